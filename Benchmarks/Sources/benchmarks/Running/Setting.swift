import CPeers
import Foundation

/// The machine and the programs of a run.
final class Setting {
    let isQuick: Bool
    /// The path of the dmascope program to measure.
    let dmascope: String
    /// The processors of the application's thread and of the engine's.
    let applicationCPU: Int32
    let engineCPU: Int32
    /// The directory for temporary files: sockets, traces.
    let directory: String
    /// DPDK's skeleton, or why it is not available.
    let dpdk: Result<DPDKPeer, Failure>
    private var startedLibrary: DPDKPeer?

    init(isQuick: Bool, dmascope: String?) throws(Failure) {
        self.isQuick = isQuick
        self.dmascope = dmascope ?? Self.built("dmascope")
        var first: Int32 = 0
        var second: Int32 = 0
        let count = cpeers_processors(&first, &second)
        guard count >= 2 else {
            throw Failure("this process is limited to \(count) processor; the benchmarks need two")
        }
        applicationCPU = first
        engineCPU = second
        // Short: a socket's path has at most 107 bytes.
        var template = Array("/tmp/dmascope-bench.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure("/tmp: \(String(cString: strerror(errno)))") }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        Self.allowManySockets()
        do throws(Failure) {
            dpdk = .success(try DPDKPeer(directory: directory, cpus: [applicationCPU, engineCPU]))
        } catch {
            dpdk = .failure(error)
        }
    }

    /// Pins the calling thread to a processor while `body` runs; the default is the application's.
    func pinned<Value>(to cpu: Int32? = nil, _ body: () throws -> Value) throws -> Value {
        try Failure.check(cpeers_pin(cpu ?? applicationCPU), "processor \(cpu ?? applicationCPU)")
        defer { _ = cpeers_unpin() }
        return try body()
    }

    /// Moves the calling thread from the application's processor to the engine's while `body` runs: a peer that copies by
    /// itself does it where the engine does. The two processors of a virtual machine are not equally fast at a time, by a
    /// quarter and more, depending on what else the machine below runs.
    func onEngineCPU<Value>(_ body: () throws -> Value) throws -> Value {
        try Failure.check(cpeers_pin(engineCPU), "processor \(engineCPU)")
        defer { _ = cpeers_pin(applicationCPU) }
        return try body()
    }

    /// The seconds of one round, and the number of rounds.
    var roundSeconds: Double { isQuick ? 0.01 : 0.03 }
    var rounds: Int { isQuick ? 3 : 11 }

    /// A thousand clients need more descriptors than the default limit; servers inherit the limit.
    private static func allowManySockets() {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = min(limit.rlim_max, 8192)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// The path of a program in the same build directory.
    static func built(_ name: String) -> String {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent(name).path
    }

    /// A program in C with a device of libdmadev, started on first use.
    func library() throws(Failure) -> DPDKPeer {
        if let startedLibrary { return startedLibrary }
        let started = try DPDKPeer(libraryOn: [applicationCPU, engineCPU])
        startedLibrary = started
        return started
    }

    func end() {
        if case .success(let dpdk) = dpdk { dpdk.program.end() }
        startedLibrary?.program.end()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// The load averages of the machine.
    static var load: String {
        let text = (try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8)) ?? ""
        return text.split(separator: " ").prefix(3).joined(separator: " ")
    }
}
