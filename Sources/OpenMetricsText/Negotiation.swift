extension MetricsText {
    /// The format for an HTTP client's `Accept` header: OpenMetrics if the header names it with at least the quality of
    /// plain text; else Prometheus's text, also for clients that accept neither.
    public init(accepting header: String?) {
        var openMetrics = 0.0
        var plain: (specificity: Int, quality: Double) = (-1, 0)
        for range in (header ?? "").split(separator: ",") {
            let parts = range.split(separator: ";").map(Self.trimmed)
            guard let type = parts.first else { continue }
            var quality = 1.0
            var version: String?
            for parameter in parts.dropFirst() {
                if parameter.hasPrefix("q=") { quality = Double(parameter.dropFirst(2)) ?? 0 }
                if parameter.hasPrefix("version=") { version = parameter.dropFirst(8).filter { $0 != "\"" } }
            }
            let isKnown = version.map { $0 == "1.0.0" || $0 == "0.0.1" } ?? true
            if type == "application/openmetrics-text", isKnown { openMetrics = max(openMetrics, quality) }
            // The most specific range decides.
            if let specificity = ["*/*", "text/*", "text/plain"].firstIndex(of: type), specificity >= plain.specificity
            {
                plain = (specificity, quality)
            }
        }
        self = openMetrics > 0 && openMetrics >= plain.quality ? .openMetrics : .prometheus
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text.drop { $0 == " " || $0 == "\t" }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text.lowercased()
    }
}
