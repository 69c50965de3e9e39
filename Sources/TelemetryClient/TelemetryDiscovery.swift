import Glibc
import LinuxSystem
import SystemPackage
public import TelemetryWire

/// Finds telemetry sockets. Those of dmascope and of DPDK are in the same directories.
public enum TelemetryDiscovery {
    /// What a search has found.
    public struct Findings: Sendable {
        /// Every socket, sorted by directory, prefix and instance; sockets of ended processes are included.
        public fileprivate(set) var sources: [TelemetrySource] = []
        /// The directories that exist and cannot be read, each with the reason.
        public fileprivate(set) var unreadable: [(source: TelemetrySource, reason: TelemetryClientError)] = []
    }

    /// Searches below the run directories, and those of the guests of this host in them.
    ///
    /// - Parameters:
    ///   - directories: the run directories.
    ///   - selector: directories of prefixes that cannot have a source of this selection are not read; `nil`: all are read.
    ///     What was found may have others, too.
    public static func search(
        _ directories: [TelemetryRunDirectory] = TelemetryRunDirectory.candidates,
        for selector: TelemetrySourceSelector? = nil
    ) -> Findings {
        var findings = Findings()
        for directory in directories.flatMap({ [$0] + guests(in: $0, &findings) }) {
            let runDirectory = TelemetrySource(path: directory.applications).directory
            do throws(TelemetryClientError) {
                for prefix in try names(in: runDirectory).sorted() {
                    let place = TelemetrySource(runDirectory: runDirectory, prefix: prefix, instance: nil)
                    if let selector, !selector.mayIncludeSources(in: place) { continue }
                    do throws(TelemetryClientError) {
                        findings.sources += try sources(in: place.directory)
                    } catch {
                        findings.unreadable.append((place, error))
                    }
                }
            } catch {
                let place = TelemetrySource(runDirectory: runDirectory, prefix: "", instance: nil)
                // Others than its owner may not know what is in it, either.
                findings.unreadable.append((place, error.asUnreadable))
            }
        }
        return findings
    }

    /// The run directories of the guests.
    private static func guests(
        in directory: TelemetryRunDirectory, _ findings: inout Findings
    ) -> [TelemetryRunDirectory] {
        do throws(TelemetryClientError) {
            return try names(in: directory.domains).sorted().map(directory.domain)
        } catch {
            let place = TelemetrySource(runDirectory: directory.domains, prefix: "", instance: nil)
            findings.unreadable.append((place, error.asUnreadable))
            return []
        }
    }

    /// The sockets in the directory of a prefix, sorted by instance; none if there is no such directory.
    ///
    /// - Throws: `permissionDenied` or `unreadable`.
    public static func sources(in directory: String) throws(TelemetryClientError) -> [TelemetrySource] {
        try names(in: directory).compactMap(TelemetryRunDirectory.instance(ofSocketName:)).sorted().map { instance in
            TelemetrySource(path: "\(directory)/\(TelemetryRunDirectory.socketName(instance: instance))")
        }
    }

    /// Whether a process listens on the socket; a full backlog means that one does.
    public static func isLive(_ path: String) -> Bool {
        switch SequencedPacketSocket.probe(path) {
        case nil, .resourceTemporarilyUnavailable?: true
        default: false
        }
    }

    /// Whether a path is that of the directory of a prefix, `ROOT/dpdk/PREFIX`.
    static func isDirectoryOfPrefix(_ path: String) -> Bool {
        TelemetryRunDirectory(root: TelemetryTrust.directory(of: TelemetryTrust.directory(of: path))).applications
            == TelemetryTrust.directory(of: path)
    }

    /// The names in a directory; none if there is no directory.
    package static func names(in path: String) throws(TelemetryClientError) -> [String] {
        guard let directory = opendir(path) else {
            let error = Errno(rawValue: errno)
            if [.noSuchFileOrDirectory, .notDirectory, .noSuchProcess].contains(error) { return [] }
            throw .unreadable(path, error)
        }
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
