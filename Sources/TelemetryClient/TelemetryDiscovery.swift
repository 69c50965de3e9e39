import Glibc
import LinuxSystem
import SystemPackage
import TelemetryWire

/// Finds telemetry sockets. Those of dmascope and of DPDK are in the same directories.
public enum TelemetryDiscovery {
    /// A socket that was found.
    public struct Endpoint: Sendable, Hashable {
        /// The file prefix of the application.
        public let filePrefix: String
        /// 0 for the first process with that prefix, then 1, 2….
        public let instance: Int
        /// The path of the socket.
        public let path: String
    }

    /// All telemetry sockets below the directories, sorted by prefix and instance. Sockets of ended processes are
    /// included unless `liveOnly` is set, which connects briefly to each. Unreadable directories are skipped.
    public static func endpoints(
        in directories: [TelemetryRunDirectory] = TelemetryRunDirectory.candidates, liveOnly: Bool = false
    ) -> [Endpoint] {
        var found: [Endpoint] = []
        for directory in directories {
            for prefix in entries(of: directory.applications).sorted() {
                found += endpoints(filePrefix: prefix, in: directory)
            }
        }
        return liveOnly ? found.filter { isLive($0.path) } : found
    }

    /// The sockets of one prefix, sorted by instance.
    public static func endpoints(filePrefix: String, in directory: TelemetryRunDirectory) -> [Endpoint] {
        let instances = entries(of: directory.directory(filePrefix: filePrefix))
            .compactMap(TelemetryRunDirectory.instance(ofSocketName:)).sorted()
        return instances.map { instance in
            Endpoint(
                filePrefix: filePrefix, instance: instance,
                path: directory.socketPath(filePrefix: filePrefix, instance: instance))
        }
    }

    /// Whether a process listens on the socket; a full backlog means that one does.
    public static func isLive(_ path: String) -> Bool {
        switch SequencedPacketSocket.probe(path) {
        case nil, .resourceTemporarilyUnavailable?: true
        default: false
        }
    }

    /// The names in a directory; empty if it cannot be read.
    private static func entries(of path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
