import Foundation
import TestSupport

/// Programs of others that read metrics.
public enum MetricsReaders {
    /// A program of Debian's Prometheus package: `promtool` or `prometheus`.
    public static func prometheus(_ name: String) throws -> String {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let path = package.appendingPathComponent(".cache/prometheus/usr/bin/\(name)").path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw TestSupportError("\(path) is not there: run scripts/fetch-packages prometheus")
        }
        return path
    }

    /// The errors and warnings of `promtool check metrics` for a text in the format of Prometheus.
    public static func promtoolComplaints(_ text: String) throws -> String {
        let result = try runProgram(prometheus("promtool"), ["check", "metrics"], input: text)
        return result.exit == .exited(0) && result.errors.isEmpty ? "" : "\(result)"
    }

    /// What Prometheus's Python library reads in a text of OpenMetrics: each sample as its name, labels and value.
    ///
    /// - Throws: when it refuses the text.
    public static func openMetricsSamples(_ text: String) throws -> [String] {
        let script = """
            import sys
            from prometheus_client.openmetrics.parser import text_string_to_metric_families
            text = sys.stdin.buffer.read().decode("utf-8")
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    print(sample.name, sorted(sample.labels.items()), sample.value)
            """
        return try outputOfProgram("/usr/bin/python3", ["-c", script], environment: ["PYTHONUTF8": "1"], input: text)
            .split(separator: "\n").map(String.init)
    }
}
