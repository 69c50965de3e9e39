import Glibc
import OpenMetricsText
import TelemetryClient
package import TelemetryWire

/// A telemetry socket, and how the metrics of its process are told from others.
package struct ScrapeSource: Sendable, Hashable {
    /// The path of the socket.
    package let path: String
    /// The file prefix; the socket's directory or path where the prefix does not tell it from another source.
    package let prefix: String
    /// The place among the processes of that prefix.
    package let instance: Int
    /// Whether it is to be there: named by its user, and not only found.
    package let isNamed: Bool

    /// What all metrics of a process are labelled with. Not `instance`, as DPDK calls it: that is Prometheus's label for
    /// what it scrapes.
    static let labelNames = ["prefix", "prefix_instance", "pid"]

    /// The labels of the source, whatever process is behind it.
    var labels: LabelSet { ["prefix": prefix, "prefix_instance": "\(instance)"] }
}

/// Finds sources.
package struct SourceFinder: Sendable {
    let directories: [TelemetryRunDirectory]
    /// Paths of sockets, in which `*`, `?` and `[…]` stand for what they do in a shell.
    let patterns: [String]

    /// Looks below the directories, and for the patterns.
    package init(directories: [TelemetryRunDirectory], patterns: [String]) {
        self.directories = directories
        self.patterns = patterns
    }

    /// All sources, each socket once, in the order of the directories and patterns.
    package func sources() -> [ScrapeSource] {
        var sources: [ScrapeSource] = []
        var paths: Set<String> = []
        var names: Set<String> = []
        func add(_ path: String, _ prefix: String, _ instance: Int, isNamed: Bool) {
            guard paths.insert(path).inserted else { return }
            let isFree = names.insert("\(prefix):\(instance)").inserted
            sources.append(
                ScrapeSource(
                    path: path, prefix: JSONReader.label(isFree ? prefix : path), instance: instance, isNamed: isNamed))
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
