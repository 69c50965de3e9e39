/// The text formats for scrapers. Both are written from the same values.
public enum MetricsText: Sendable, Hashable, CaseIterable {
    /// OpenMetrics 1.0: with units, creation times, and an end marker that shows that the text is complete.
    case openMetrics
    /// Prometheus's text format 0.0.4, which every scraper reads. It has no units, no creation times and no infos,
    /// which are written as gauges.
    case prometheus

    /// The value of HTTP's `Content-Type` header.
    public var contentType: String {
        switch self {
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        }
    }

    /// The metrics as UTF-8 text; each line ends with a line feed.
    ///
    /// Families without samples are left out. Of two samples of a family with the same labels only the first one is
    /// written, because readers would reject the whole text. A sample whose value does not fit the type is left out.
    ///
    /// - Throws: if the name of a metric or a label is invalid or occurs twice.
    public func text(of families: [MetricFamily]) throws(MetricsTextError) -> String {
        var writer = MetricsWriter(format: self)
        for family in families { try writer.write(family) }
        return writer.finish()
    }
}

private struct MetricsWriter {
    let format: MetricsText
    private var text = ""
    private var families: Set<String> = []
    private var labelNames: Set<String> = []

    init(format: MetricsText) {
        self.format = format
    }

    mutating func finish() -> String {
        if format == .openMetrics { text += "# EOF\n" }
        return text
    }

    mutating func write(_ family: MetricFamily) throws(MetricsTextError) {
        let description = family.description
        if let problem = description.problem { throw MetricsTextError(description.name, problem) }
        guard families.insert(description.name).inserted else {
            throw MetricsTextError(
                description.name, "the metric occurs twice; it must occur once, with all of its samples")
        }
        guard !family.samples.isEmpty else { return }
        writeHead(description)
        var written: Set<String> = []
        for sample in family.samples {
            let labels = try labelText(sample.labels, of: description)
            guard written.insert(labels).inserted else { continue }
            write(sample, labels, description)
        }
    }

    private mutating func writeHead(_ description: MetricDescription) {
        switch format {
        case .openMetrics:
            text += "# TYPE \(description.name) \(description.kind.rawValue)\n"
            if let unit = description.unit { text += "# UNIT \(description.name) \(unit)\n" }
            text += "# HELP \(description.name) \(escaped(description.help, quotes: true))\n"
        case .prometheus:
            let kind = description.kind == .info ? "gauge" : description.kind.rawValue
            text += "# HELP \(description.seriesName) \(escaped(description.help, quotes: false))\n"
            text += "# TYPE \(description.seriesName) \(kind)\n"
        }
    }

    private mutating func write(_ sample: MetricSample, _ labels: String, _ description: MetricDescription) {
        guard sample.value.isPossible(for: description.kind) else { return }
        switch (description.kind, sample.value) {
        case (.counter, .number(let number)):
            line(description.name, "_total", labels, number.text)
            writeCreated(sample, labels, description)
        case (.gauge, .number(let number)):
            line(description.name, "", labels, number.text)
        case (.info, .number):
            line(description.name, "_info", labels, "1")
        case (.histogram, .histogram(let histogram)):
            write(histogram, labels, description)
            writeCreated(sample, labels, description)
        default:
            break
        }
    }

    private mutating func write(_ histogram: MetricHistogram, _ labels: String, _ description: MetricDescription) {
        var count: UInt64 = 0
        let separator = labels.isEmpty ? "" : ","
        for bucket in histogram.buckets {
            count &+= bucket.count
            let bound = MetricNumber.real(bucket.upperBound).text
            line(description.name, "_bucket", "\(labels)\(separator)le=\"\(bound)\"", "\(count)")
        }
        line(description.name, "_bucket", "\(labels)\(separator)le=\"+Inf\"", "\(histogram.count)")
        line(description.name, "_count", labels, "\(histogram.count)")
        line(description.name, "_sum", labels, histogram.sum.text)
    }

    private mutating func writeCreated(_ sample: MetricSample, _ labels: String, _ description: MetricDescription) {
        guard format == .openMetrics, let created = sample.created else { return }
        line(description.name, "_created", labels, MetricNumber.real(created).text)
    }

    private mutating func line(_ name: String, _ suffix: String, _ labels: String, _ value: String) {
        text += name
        text += suffix
        if !labels.isEmpty {
            text += "{"
            text += labels
            text += "}"
        }
        text += " "
        text += value
        text += "\n"
    }

    /// The text between the braces.
    private mutating func labelText(
        _ set: LabelSet, of description: MetricDescription
    ) throws(MetricsTextError) -> String {
        var text = ""
        for (place, label) in set.labels.enumerated() {
            if !labelNames.contains(label.name) {
                guard NameRules.isLabelName(label.name) else {
                    throw MetricsTextError(
                        description.name,
                        "\"\(label.name)\" is not a valid label name: it must consist of letters, digits and underscores, "
                            + "and not begin with a digit or with two underscores")
                }
                labelNames.insert(label.name)
            }
            guard !set.labels[..<place].contains(where: { $0.name == label.name }) else {
                throw MetricsTextError(description.name, "the label \(label.name) occurs twice")
            }
            guard description.kind != .histogram || label.name != "le" else {
                throw MetricsTextError(
                    description.name, "a histogram must not have a label le: it is the bound of its buckets")
            }
            if place > 0 { text += "," }
            text += label.name
            text += "=\""
            text += escaped(label.value, quotes: true)
            text += "\""
        }
        return text
    }

    /// The escaped text. NUL, at which some readers stop, becomes U+FFFD.
    private func escaped(_ value: String, quotes: Bool) -> String {
        let special = value.utf8.contains {
            $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "\n") || $0 == 0 || (quotes && $0 == UInt8(ascii: "\""))
        }
        guard special else { return value }
        var result = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            case "\0": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
