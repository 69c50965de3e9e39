import Glibc
import OpenMetricsText
import TelemetryClient
package import TelemetryWire

/// A telemetry socket, and the labels that identify its process.
package struct ScrapeSource: Sendable, Hashable {
    package let path: String
    /// The DPDK file prefix; the path of the socket when another source has the same prefix and instance.
    package let prefix: String
    /// The number of the process among those with this prefix, from 0.
    package let instance: Int
    /// Whether the user named it. Such a source is reported even when there is no socket, and may be in a directory of a
    /// user who is not trusted.
    package let isNamed: Bool
    /// The owner of the socket; `nil` when there is none.
    package let uid: UInt32?

    /// The labels that identify a source. DPDK's term `instance` is not used: in Prometheus this label names the scrape
    /// target. `uid` is not used: metrics of a controller have it for the users of its peers.
    static let sourceLabelNames = ["prefix", "prefix_instance", "source_uid"]
    /// The labels of all metrics of a process.
    static let labelNames = sourceLabelNames + ["pid"]

    /// The labels of the source without the process ID.
    var labels: LabelSet {
        ["prefix": prefix, "prefix_instance": "\(instance)", "source_uid": uid.map { "\($0)" } ?? ""]
    }
}

/// Finds telemetry sources in directories and by patterns.
package struct SourceFinder: Sendable {
    let directories: [TelemetryRunDirectory]
    /// Paths of sockets; `*`, `?` and `[…]` are shell wildcards.
    let patterns: [String]
    let trust: TelemetryTrust
    /// Paths of sockets that are read before all others.
    let first: Set<String>

    /// Searches at each call of ``sources()``.
    package init(
        directories: [TelemetryRunDirectory], patterns: [String], trust: TelemetryTrust, first: [String]
    ) {
        self.directories = directories
        self.patterns = patterns
        self.trust = trust
        self.first = Set(first)
    }

    /// All sources in the order of the directories and patterns, without duplicate paths.
    package func sources() -> [ScrapeSource] {
        var sources: [ScrapeSource] = []
        var paths: Set<String> = []
        var names: Set<String> = []
        func add(_ path: String, _ prefix: String, _ instance: Int, isNamed: Bool) {
            guard paths.insert(path).inserted else { return }
            let isFree = names.insert("\(prefix):\(instance)").inserted
            sources.append(
                ScrapeSource(
                    path: path, prefix: JSONReader.label(isFree ? prefix : path), instance: instance, isNamed: isNamed,
                    uid: TelemetryTrust.owner(of: path)))
        }
        for endpoint in TelemetryDiscovery.endpoints(in: directories) {
            add(endpoint.path, endpoint.filePrefix, endpoint.instance, isNamed: false)
        }
        for pattern in patterns {
            let isNamed = !pattern.contains { "*?[".contains($0) }
            for path in isNamed ? [pattern] : Self.matches(of: pattern) {
                let parts = path.split(separator: "/")
                if let name = parts.last, parts.count > 1,
                    let instance = TelemetryRunDirectory.instance(ofSocketName: String(name))
                {
                    add(path, String(parts[parts.count - 2]), instance, isNamed: isNamed)
                } else {
                    add(path, path, 0, isNamed: isNamed)
                }
            }
        }
        return sources
    }

    private static func matches(of pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
    }
}
