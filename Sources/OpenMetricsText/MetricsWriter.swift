/// Writes one of the text formats. What many lines have in common is made once: a scrape of many sources has hundreds of
/// thousands of lines.
struct MetricsWriter {
    private let format: MetricsText
    private var text: [UInt8] = []
    private var families: Set<String> = []
    private var labelNames: Set<String> = []
    /// Where in `text` the labels of each sample of the present family are, by hash.
    private var written: [Int: Range<Int>] = [:]
    /// The shared labels that were written last, and their text.
    private var shared: (labels: [LabelSet.Label], text: [UInt8]) = ([], [])
    /// The text between the braces of the present sample.
    private var labels: [UInt8] = []
    /// The bounds of the last histogram, each with the end of its line's labels.
    private var bounds: [(bound: Double, text: [UInt8])] = []

    /// - Parameter sampleCount: the number of samples, to reserve memory.
    init(format: MetricsText, sampleCount: Int) {
        self.format = format
        // About the length of a line. What is not used costs nothing.
        text.reserveCapacity(sampleCount * 256)
    }

    mutating func finish() -> [UInt8] {
        if format == .openMetrics { append("# EOF\n") }
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
        written.removeAll(keepingCapacity: true)
        for sample in family.samples {
            try makeLabels(sample.labels, of: description)
            if sample.value.isPossible(for: description.kind) { write(sample, description) }
        }
    }

    private mutating func writeHead(_ description: MetricDescription) {
        switch format {
        case .openMetrics:
            append("# TYPE \(description.name) \(description.kind.rawValue)\n")
            if let unit = description.unit { append("# UNIT \(description.name) \(unit)\n") }
            append("# HELP \(description.name) ")
            Self.append(escaped: description.help, quotes: true, to: &text)
            append("\n")
        case .prometheus:
            let kind = description.kind == .info ? "gauge" : description.kind.rawValue
            append("# HELP \(description.seriesName) ")
            Self.append(escaped: description.help, quotes: false, to: &text)
            append("\n# TYPE \(description.seriesName) \(kind)\n")
        }
    }

    // MARK: Samples

    private mutating func write(_ sample: MetricSample, _ description: MetricDescription) {
        switch (description.kind, sample.value) {
        case (.counter, .number(let number)):
            guard takeLabels(after: description.name, "_total") else { return }
            line(description.name, "_total", number)
            writeCreated(sample, description)
        case (.gauge, .number(let number)):
            guard takeLabels(after: description.name, "") else { return }
            line(description.name, "", number)
        case (.info, .number):
            guard takeLabels(after: description.name, "_info") else { return }
            line(description.name, "_info", .unsigned(1))
        case (.histogram, .histogram(let histogram)):
            guard takeLabels(after: description.name, "_bucket") else { return }
            write(histogram, description)
            writeCreated(sample, description)
        default:
            break
        }
    }

    private mutating func write(_ histogram: MetricHistogram, _ description: MetricDescription) {
        var start = Array("\(description.name)_bucket{".utf8)
        start += labels
        if !labels.isEmpty { start.append(UInt8(ascii: ",")) }
        var count: UInt64 = 0
        for (place, bucket) in histogram.buckets.enumerated() {
            count &+= bucket.count
            if place == bounds.count || bounds[place].bound != bucket.upperBound {
                bounds.removeSubrange(place...)
                bounds.append((bucket.upperBound, Array("le=\"\(MetricNumber.real(bucket.upperBound).text)\"} ".utf8)))
            }
            text += start
            text += bounds[place].text
            end(.unsigned(count))
        }
        text += start
        append("le=\"+Inf\"} ")
        end(.unsigned(histogram.count))
        line(description.name, "_count", .unsigned(histogram.count))
        line(description.name, "_sum", histogram.sum)
    }

    private mutating func writeCreated(_ sample: MetricSample, _ description: MetricDescription) {
        guard format == .openMetrics, let created = sample.created else { return }
        line(description.name, "_created", .real(created))
    }

    private mutating func line(_ name: String, _ suffix: String, _ number: MetricNumber) {
        append(name)
        append(suffix)
        if !labels.isEmpty {
            text.append(UInt8(ascii: "{"))
            text += labels
            text.append(UInt8(ascii: "}"))
        }
        text.append(UInt8(ascii: " "))
        end(number)
    }

    private mutating func end(_ number: MetricNumber) {
        // Most numbers of a scrape.
        if case .unsigned(let digit) = number, digit < 10 {
            text.append(UInt8(ascii: "0") + UInt8(digit))
        } else {
            append(number.text)
        }
        text.append(UInt8(ascii: "\n"))
    }

    private mutating func append(_ string: String) { text.append(contentsOf: string.utf8) }

    // MARK: Labels

    /// Returns whether no earlier sample of the family has the present labels, and records that the next line has them.
    private mutating func takeLabels(after name: String, _ suffix: String) -> Bool {
        var hasher = Hasher()
        labels.withUnsafeBytes { hasher.combine(bytes: $0) }
        var key = hasher.finalize()
        while let place = written[key] {
            if text[place].elementsEqual(labels) { return false }
            key &+= 1
        }
        let start = text.count + name.utf8.count + suffix.utf8.count + 1
        written[key] = start..<start + labels.count
        return true
    }

    /// Makes the text between the braces.
    private mutating func makeLabels(_ set: LabelSet, of description: MetricDescription) throws(MetricsTextError) {
        if !Self.isSameStorage(set.shared, shared.labels) {
            shared = (set.shared, [])
            for (place, label) in set.shared.enumerated() {
                try check(label, after: set.shared[..<place], [], description)
                Self.append(label, to: &shared.text)
            }
        }
        guard description.kind != .histogram || !set.shared.contains(where: { $0.name == "le" }) else {
            throw Self.bucketLabel(of: description)
        }
        labels.removeAll(keepingCapacity: true)
        labels += shared.text
        for (place, label) in set.own.enumerated() {
            try check(label, after: set.shared[...], set.own[..<place], description)
            Self.append(label, to: &labels)
        }
    }

    private static func isSameStorage(_ one: [LabelSet.Label], _ other: [LabelSet.Label]) -> Bool {
        one.count == other.count
            && one.withUnsafeBufferPointer { one in other.withUnsafeBufferPointer { one.baseAddress == $0.baseAddress }
            }
    }

    private mutating func check(
        _ label: LabelSet.Label, after first: ArraySlice<LabelSet.Label>, _ second: ArraySlice<LabelSet.Label>,
        _ description: MetricDescription
    ) throws(MetricsTextError) {
        if !labelNames.contains(label.name) {
            guard NameRules.isLabelName(label.name) else {
                throw MetricsTextError(
                    description.name,
                    "\"\(label.name)\" is not a valid label name: it must consist of letters, digits and underscores, "
                        + "and not begin with a digit or with two underscores")
            }
            labelNames.insert(label.name)
        }
        guard !first.contains(where: { $0.name == label.name }), !second.contains(where: { $0.name == label.name })
        else {
            throw MetricsTextError(description.name, "the label \(label.name) occurs twice")
        }
        guard description.kind != .histogram || label.name != "le" else { throw Self.bucketLabel(of: description) }
    }

    private static func bucketLabel(of description: MetricDescription) -> MetricsTextError {
        MetricsTextError(description.name, "a histogram must not have a label le: it is the bound of its buckets")
    }

    private static func append(_ label: LabelSet.Label, to text: inout [UInt8]) {
        if !text.isEmpty { text.append(UInt8(ascii: ",")) }
        text.append(contentsOf: label.name.utf8)
        text.append(contentsOf: "=\"".utf8)
        append(escaped: label.value, quotes: true, to: &text)
        text.append(UInt8(ascii: "\""))
    }

    /// Appends the escaped text. NUL, at which some readers stop, becomes U+FFFD.
    private static func append(escaped value: String, quotes: Bool, to text: inout [UInt8]) {
        let special = value.utf8.contains {
            $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "\n") || $0 == 0 || (quotes && $0 == UInt8(ascii: "\""))
        }
        guard special else { return text.append(contentsOf: value.utf8) }
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): text.append(contentsOf: "\\\\".utf8)
            case UInt8(ascii: "\n"): text.append(contentsOf: "\\n".utf8)
            case UInt8(ascii: "\"") where quotes: text.append(contentsOf: "\\\"".utf8)
            case 0: text.append(contentsOf: "\u{FFFD}".utf8)
            default: text.append(byte)
            }
        }
    }
}
