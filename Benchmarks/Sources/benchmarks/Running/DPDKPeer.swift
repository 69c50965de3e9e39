import Foundation

/// DPDK's skeleton device in a separate program, which runs for the whole run and works only during a command.
final class DPDKPeer {
    let program: Child
    /// The path of its telemetry socket.
    let socketPath: String

    /// The same program with a software device of the C library instead.
    init(libraryOn cpus: [Int32]) throws(Failure) {
        program = try Child(
            ["taskset", "--cpu-list", "\(cpus[0])"] + Self.build(["libdmadev"]).get(),
            environment: ["DMADEV_DEVICES": "software,name=dma0,cpus=\(cpus[1])"])
        socketPath = ""
        _ = try answer()
    }

    /// - Parameter filePrefix: EAL's file prefix, for the path of the socket.
    init(directory: String, cpus: [Int32], filePrefix: String = "bench") throws(Failure) {
        // Built once, so that the time of a later start does not include compilation.
        let command = try Self.command.get()
        let list = cpus.map(String.init)
        program = try Child(
            command + [
                "--no-huge", "-m", "64", "--no-pci", "--file-prefix=\(filePrefix)", "-l", list.joined(separator: ","),
                "--vdev=dma_skeleton,lcore=\(list[1])",
            ], environment: ["RUNTIME_DIRECTORY": directory])
        socketPath = "\(directory)/dpdk/\(filePrefix)/dpdk_telemetry.v2"
        _ = try answer()
    }

    /// A driver of `observed-peer`.
    enum TestDriver: String, CaseIterable {
        /// Descriptors, a barrier, completion records.
        case working
        /// Only the copy.
        case bare
    }

    /// `observed-peer`, on the application's processor.
    init(with driver: TestDriver, isObserved: Bool, _ setting: Setting) throws(Failure) {
        let command = try Self.build(["observed", driver.rawValue]).get()
        guard let library = command.first else { throw Failure("DPDKPeer/build prints nothing") }
        let cpu = setting.applicationCPU
        let prefix = "\(driver.rawValue)-\(isObserved ? "observed" : "unobserved")"
        program = try Child(
            command.dropFirst() + [
                "--no-huge", "-m", "64", "--no-pci", "--file-prefix=\(prefix)", "-l", "\(cpu)", "--iova-mode=va",
                "--no-telemetry",
            ],
            environment: ["RUNTIME_DIRECTORY": setting.directory].merging(
                isObserved ? ["LD_PRELOAD": library] : [:]
            ) { $1 })
        socketPath = ""
        _ = try answer()
    }

    private static let command = build([])

    private static func build(_ arguments: [String]) -> Result<[String], Failure> {
        let script = "DPDKPeer/build"
        guard FileManager.default.isExecutableFile(atPath: script) else {
            return .failure(Failure("\(script) does not exist: run the benchmarks in the directory of their package"))
        }
        do throws(Failure) {
            return .success(try Child.output(of: [script] + arguments).split(separator: "\n").map(String.init))
        } catch {
            return .failure(error)
        }
    }

    /// Sends a command to `dpdk-peer` and returns the numbers of its answer.
    func request(_ command: String) throws(Failure) -> [Double] {
        try program.send(command)
        return try answer().compactMap { Double($0) }
    }

    private func answer() throws(Failure) -> [Substring] {
        while true {
            let words = try program.line().split(separator: " ")
            switch words.first {
            case "result": return Array(words.dropFirst())
            case "error": throw Failure("DPDK: " + words.dropFirst().joined(separator: " "))
            default: continue
            }
        }
    }
}
