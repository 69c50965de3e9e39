import CommandSupport
import Glibc
import MetricsExporter
import TelemetryClient
import TelemetryWire
import TraceAnalysis

/// Where the counters come from that a trace is compared with.
struct CounterSource {
    private let argument: String
    private let trust: TelemetryTrust
    private let timeout: Duration

    /// - Parameter argument: the path of a socket or of a file, or a file prefix.
    init(_ argument: String, _ trust: TelemetryTrust, _ timeout: Duration) {
        self.argument = argument
        self.trust = trust
        self.timeout = timeout
    }

    /// The counters of all channels.
    func counters() throws(Failure) -> [AuditCounters] {
        var status = stat()
        if stat(argument, &status) == 0, status.st_mode & S_IFMT == S_IFREG { return try rows(ofFile: argument) }
        let peer = try Peer(Target(argument), trust: trust, timeout: timeout)
        var counters: [AuditCounters] = []
        for device in try peer.devices() {
            for vchan in 0..<max(device.vchanCount, 0) {
                var values = try peer.request("\(SourceCommand.counters.path),\(device.id),\(vchan)")
                // DPDK applications have these only.
                if values == nil {
                    values = try peer.request("\(SourceCommand.statistics.path),\(device.id),\(vchan)")
                }
                guard let values else { continue }
                counters.append(
                    AuditCounters(
                        processID: Int(peer.pid), device: Int(device.id), deviceName: device.name, vchan: Int(vchan),
                        values: Self.values(values)))
            }
        }
        return counters
    }

    /// What `dmascope stats --json` prints: an array of objects with `id`, `name`, `vchan` and counters.
    private func rows(ofFile path: String) throws(Failure) -> [AuditCounters] {
        let text = try Self.text(ofFile: path)
        guard let tree = (try? JSONValue(parsing: text))?.tree, case .array(let rows) = tree else {
            throw Failure("\(path) is no array of JSON objects: write it with `dmascope stats --json`")
        }
        var counters: [AuditCounters] = []
        for row in rows {
            guard let device = row["id"]?.integer, let vchan = row["vchan"]?.integer else {
                throw Failure("\(path) has a row without \"id\" and \"vchan\": write it with `dmascope stats --json`")
            }
            counters.append(
                AuditCounters(
                    processID: row["pid"]?.integer.map { Int($0) }, device: Int(device),
                    deviceName: row["name"]?.string,
                    vchan: Int(vchan), values: Self.values(row)))
        }
        return counters
    }

    private static func values(_ tree: JSONTree) -> [String: UInt64] {
        Dictionary(
            tree.members.compactMap { member in member.value.unsigned.map { (member.name, $0) } },
            uniquingKeysWith: { first, _ in first })
    }

    private static func text(ofFile path: String) throws(Failure) -> String {
        guard let file = fopen(path, "re") else {
            throw Failure("cannot open \(path): \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65536)
        while case let count = fread(&part, 1, part.count, file), count > 0 {
            bytes += part[..<count]
            guard bytes.count < 64 << 20 else {
                throw Failure("\(path) has more than 64 MiB: it is no list of counters")
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
