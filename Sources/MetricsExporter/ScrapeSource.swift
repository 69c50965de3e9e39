import Glibc
import LinuxSystem
import OpenMetricsText
package import TelemetryClient
package import TelemetryWire

/// A telemetry source that was found, or a directory that may have sources and cannot be read.
package struct ScrapeSource: Sendable {
    package let name: TelemetrySource
    /// Whether the user named it. Such a source is reported even when there is no socket, and may be in a directory of a
    /// user who is not trusted.
    package fileprivate(set) var isNamed: Bool
    /// The owner of the socket or directory; `nil` when there is none, or when it cannot be examined.
    package let uid: UInt32?
    /// The socket itself, whatever path leads to it.
    let file: FileIdentity?
    /// Why nothing can be connected; `nil` for a socket.
    let obstacle: TelemetryClientError?
    /// The name of the owner, or his number; empty when he is not known. `nil` where the sources of other users are not
    /// searched.
    package let owner: String?

    /// The path of the socket.
    package var path: String { name.path }

    /// The labels that identify a source, and all labels of its metrics that are about the process as a whole. DPDK's term
    /// `instance` is not used: in Prometheus this label names the scrape target.
    static let labelNames = ["run_directory", "prefix", "prefix_instance"]

    /// The labels of the source; those of a connector also have the owner, which every series of the source has then.
    var labels: LabelSet {
        let labels: LabelSet = [
            "run_directory": name.runDirectory, "prefix": name.prefix,
            "prefix_instance": name.instance.map { "\($0)" } ?? "",
        ]
        return owner.map { labels + ["owner": $0] } ?? labels
    }
}

/// A file, whatever path leads to it.
struct FileIdentity: Sendable, Hashable {
    let device: UInt64
    let inode: UInt64
}

/// Finds telemetry sources in directories and by patterns.
package struct SourceFinder: Sendable {
    let directories: [TelemetryRunDirectory]
    /// Paths of sockets; `*`, `?` and `[…]` are shell wildcards.
    let patterns: [String]
    package let trust: TelemetryTrust
    /// Sources that are read before all others.
    let first: Set<TelemetrySource>
    /// What is known of channels from one query to the next.
    let progress = ProgressObserver()
    /// Finds and connects the sources of all users, in place of `directories`; `nil`: this process does.
    let connector: SourceConnector?
    private let owners = OwnerNames()

    /// Searches at each call of ``sources()``.
    package init(
        directories: [TelemetryRunDirectory], patterns: [String], trust: TelemetryTrust, first: [String],
        connector: SourceConnector? = nil
    ) {
        self.connector = connector
        self.directories = directories
        self.patterns = patterns
        self.trust = trust
        self.first = Set(first.map(TelemetrySource.init(path:)))
    }

    /// All sources in the order of the directories and patterns. A socket with several paths is one source, under the first
    /// of them that is not below `/proc`: those end with their process.
    ///
    /// - Parameter selector: the sources that are used, so that other directories need not be read; `nil`: all.
    /// - Throws: when the connector has failed.
    package func sources(for selector: TelemetrySourceSelector? = nil) throws(TelemetryClientError) -> [ScrapeSource] {
        if let connector { return try sources(of: connector) }
        var sources: [ScrapeSource] = []
        var names: [TelemetrySource: Int] = [:]
        var files: [FileIdentity: Int] = [:]
        func add(_ name: TelemetrySource, isNamed: Bool = false, obstacle: TelemetryClientError? = nil) {
            var status = stat()
            let isThere = stat(name.path, &status) == 0
            let file = isThere ? FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino)) : nil
            if let known = names[name] ?? file.flatMap({ files[$0] }) {
                if isNamed { sources[known].isNamed = true }
                return
            }
            names[name] = sources.count
            if let file { files[file] = sources.count }
            sources.append(
                ScrapeSource(
                    name: name, isNamed: isNamed, uid: isThere ? status.st_uid : obstacle?.user, file: file,
                    obstacle: obstacle, owner: nil))
        }
        let found = TelemetryDiscovery.search(directories, for: selector)
        for name in found.sources { add(name) }
        for (name, reason) in found.unreadable { add(name, obstacle: reason) }
        var belowProc: [TelemetrySource] = []
        for pattern in patterns {
            guard pattern.contains(where: { "*?[".contains($0) }) else {
                add(TelemetrySource(path: pattern), isNamed: true)
                continue
            }
            let found = PathPattern(pattern).search()
            for name in found.paths.map(TelemetrySource.init(path:)) {
                if name.path.hasPrefix("/proc/") { belowProc.append(name) } else { add(name) }
            }
            for (name, reason) in Self.unreadable(found.unreadable, in: pattern) { add(name, obstacle: reason) }
        }
        // The process with the lowest number is the one that started first, until numbers are used again.
        for name in belowProc.sorted(by: { Self.order($0.path) < Self.order($1.path) }) { add(name) }
        return sources
    }

    private func sources(of connector: SourceConnector) throws(TelemetryClientError) -> [ScrapeSource] {
        var files: Set<FileIdentity> = []
        return try connector.search().compactMap { place in
            switch place {
            case .socket(let name, let socket):
                let file = FileIdentity(device: socket.device, inode: socket.inode)
                guard files.insert(file).inserted else { return nil }
                return ScrapeSource(
                    name: name, isNamed: false, uid: socket.owner, file: file, obstacle: nil,
                    owner: owners.name(of: socket.owner))
            case .obstacle(let name, let reason):
                return ScrapeSource(
                    name: name, isNamed: false, uid: reason.user, file: nil, obstacle: reason,
                    owner: reason.user.map(owners.name) ?? "")
            }
        }
    }

    /// The directories of a search that could not be read. Those of processes are one source, named by the pattern: they
    /// are as many as there are processes of other users, and their paths end with them.
    private static func unreadable(
        _ found: [(path: String, error: TelemetryClientError)], in pattern: String
    ) -> [(TelemetrySource, TelemetryClientError)] {
        guard pattern.hasPrefix("/proc/"), let first = found.first else {
            return found.map { path, error in
                let directory = TelemetrySource(path: path).directory
                return (TelemetrySource(runDirectory: directory, prefix: "", instance: nil), error.asUnreadable)
            }
        }
        let reason = "\(first.error.reason)\(found.count > 1 ? ", and \(found.count - 1) others of this pattern" : "")"
        let error = TelemetryClientError(.unreadable, reason, errno: first.error.errno, user: first.error.user)
        return [(TelemetrySource(runDirectory: pattern, prefix: "", instance: nil), error)]
    }

    private static func order(_ path: String) -> (Int, String) {
        (path.split(separator: "/").dropFirst().first.flatMap { Int($0) } ?? .max, path)
    }
}
