/// Writes one of the text formats. What many lines have in common is made once: a scrape of many sources has hundreds of
/// thousands of lines.
struct MetricsWriter {
    private let format: MetricsText
    private var text: [UInt8] = []
    private var families: Set<String> = []
    /// Where in `text` the labels of each sample of the present family are, by hash.
    private var written: [Int: Range<Int>] = [:]
    /// The beginnings of the lines of the present family.
    private var heads = LineHeads("", "")
    /// The names of the labels that the previous sample had of its own.
    private var ownNames: [String] = []
    /// The creation time that was written last, and its text.
    private var created: (seconds: Double, text: [UInt8]) = (.nan, [])
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
        heads = LineHeads(description.name, description.kind == .histogram ? "_bucket" : description.kind.suffix)
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
            LabelText.append(escaped: description.help, quotes: true, to: &text)
            append("\n")
        case .prometheus:
            let kind = description.kind == .info ? "gauge" : description.kind.rawValue
            append("# HELP \(description.seriesName) ")
            LabelText.append(escaped: description.help, quotes: false, to: &text)
            append("\n# TYPE \(description.seriesName) \(kind)\n")
        }
    }

    // MARK: Samples

    private mutating func write(_ sample: MetricSample, _ description: MetricDescription) {
        switch (description.kind, sample.value) {
        case (.counter, .number(let number)):
            guard takeLabels() else { return }
            line(heads.value, number)
            writeCreated(sample)
        case (.gauge, .number(let number)):
            guard takeLabels() else { return }
            line(heads.value, number)
        case (.info, .number):
            guard takeLabels() else { return }
            line(heads.value, .unsigned(1))
        case (.histogram, .histogram(let histogram)):
            guard takeLabels() else { return }
            write(histogram)
            writeCreated(sample)
        default:
            break
        }
    }

    private mutating func write(_ histogram: MetricHistogram) {
        var start = heads.value
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
        line(heads.count, .unsigned(histogram.count))
        line(heads.sum, histogram.sum)
    }

    private mutating func writeCreated(_ sample: MetricSample) {
        guard format == .openMetrics, let seconds = sample.created else { return }
        if seconds != created.seconds { created = (seconds, Array("\(MetricNumber.real(seconds).text)\n".utf8)) }
        begin(heads.created)
        text += created.text
    }

    private mutating func line(_ head: [UInt8], _ number: MetricNumber) {
        begin(head)
        end(number)
    }

    private mutating func begin(_ head: [UInt8]) {
        text += head
        if labels.isEmpty {
            text.removeLast()
        } else {
            text += labels
            text.append(UInt8(ascii: "}"))
        }
        text.append(UInt8(ascii: " "))
    }

    private mutating func end(_ number: MetricNumber) {
        switch number {
        case .unsigned(let value): append(digitsOf: value)
        case .signed(let value) where value >= 0: append(digitsOf: UInt64(value))
        default: append(number.text)
        }
        text.append(UInt8(ascii: "\n"))
    }

    private mutating func append(digitsOf value: UInt64) {
        var divisor: UInt64 = 1
        while value / divisor >= 10 { divisor *= 10 }
        var rest = value
        while divisor > 0 {
            text.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest / divisor))
            rest %= divisor
            divisor /= 10
        }
    }

    private mutating func append(_ string: String) { text.append(contentsOf: string.utf8) }

    // MARK: Labels

    /// Returns whether no earlier sample of the family has the present labels, and records that the next line has them.
    private mutating func takeLabels() -> Bool {
        var hasher = Hasher()
        labels.withUnsafeBytes { hasher.combine(bytes: $0) }
        var key = hasher.finalize()
        while let place = written[key] {
            if text[place].elementsEqual(labels) { return false }
            key &+= 1
        }
        let start = text.count + heads.value.count
        written[key] = start..<start + labels.count
        return true
    }

    /// Makes the text between the braces.
    private mutating func makeLabels(_ set: LabelSet, of description: MetricDescription) throws(MetricsTextError) {
        labels.removeAll(keepingCapacity: true)
        if let shared = set.shared {
            if let problem = shared.problem { throw MetricsTextError(description.name, problem) }
            guard description.kind != .histogram || !shared.hasBound else { throw Self.bucketLabel(of: description) }
            labels += shared.text
        }
        for (place, label) in set.own.enumerated() {
            try check(label, at: place, of: set, description)
            LabelText.append(label, to: &labels)
        }
    }

    private mutating func check(
        _ label: LabelSet.Label, at place: Int, of set: LabelSet, _ description: MetricDescription
    ) throws(MetricsTextError) {
        if place >= ownNames.count || ownNames[place] != label.name {
            if let problem = NameRules.problem(ofLabelName: label.name) {
                throw MetricsTextError(description.name, problem)
            }
            ownNames.removeSubrange(min(place, ownNames.count)...)
            ownNames.append(label.name)
        }
        guard set.shared?.labels.contains(where: { $0.name == label.name }) != true,
            !set.own[..<place].contains(where: { $0.name == label.name })
        else {
            throw MetricsTextError(description.name, NameRules.problem(ofRepeatedLabel: label.name))
        }
        guard description.kind != .histogram || label.name != "le" else { throw Self.bucketLabel(of: description) }
    }

    private static func bucketLabel(of description: MetricDescription) -> MetricsTextError {
        MetricsTextError(description.name, "a histogram must not have a label le: it is the bound of its buckets")
    }
}

/// The beginnings of the lines of a family, each up to the opening brace.
private struct LineHeads {
    /// Of a value, or of the bucket of a histogram.
    let value: [UInt8]
    let count: [UInt8]
    let sum: [UInt8]
    let created: [UInt8]

    init(_ name: String, _ suffix: String) {
        value = Array("\(name)\(suffix){".utf8)
        count = Array("\(name)_count{".utf8)
        sum = Array("\(name)_sum{".utf8)
        created = Array("\(name)_created{".utf8)
    }
}
