/// Writes one of the text formats. What many lines have in common is made once: a scrape of many sources has hundreds of
/// thousands of lines.
struct MetricsWriter {
    private let format: MetricsText
    /// The present part.
    private(set) var text = PartBuffer()
    /// The present family, and the beginnings of its lines.
    private var family = MetricFamily(MetricDescription("", .gauge, help: ""))
    private var heads = LineHeads("", "")
    /// The samples of the family that were written, by the hash of their labels.
    private var written: [Int: Int] = [:]
    /// The labels of the family that were checked last: those that others share, and the names of the sample's own.
    private var checked: (shared: SharedLabels?, names: [String]) = (nil, [])
    /// The creation time that was written last, and its text.
    private var created: (seconds: Double, text: [UInt8]) = (.nan, [])
    /// The text between the braces of the present sample.
    private var labels: [UInt8] = []
    /// The bounds of the last histogram, each with its label.
    private var bounds: [(bound: Double, text: [UInt8])] = []

    init(format: MetricsText) {
        self.format = format
    }

    /// Begins a part.
    mutating func beginPart() { text.removeAll() }

    /// Ends the text.
    mutating func writeEnd() {
        if format == .openMetrics { append("# EOF\n") }
    }

    // MARK: Families

    /// Writes the lines in front of the samples of a family.
    mutating func begin(_ family: MetricFamily) {
        let description = family.description
        self.family = family
        heads = LineHeads(description.name, description.kind == .histogram ? "_bucket" : description.kind.suffix)
        written.removeAll(keepingCapacity: true)
        written.reserveCapacity(family.samples.count)
        checked = (nil, [])
        let (name, help) = (description.name, description.help)
        switch format {
        case .openMetrics:
            append("# TYPE \(name) \(description.kind.rawValue)\n")
            if let unit = description.unit { append("# UNIT \(name) \(unit)\n") }
            append("# HELP \(name) \(LabelText.escaped(help, quotes: true))\n")
        case .prometheus:
            let (name, kind) = (description.seriesName, description.kind == .info ? "gauge" : description.kind.rawValue)
            append("# HELP \(name) \(LabelText.escaped(help, quotes: false))\n# TYPE \(name) \(kind)\n")
        }
    }

    private mutating func append(_ string: String) { text.append(Array(string.utf8)) }

    // MARK: Samples

    /// Writes the lines of a sample of the family, unless an earlier one has the same labels or the value does not fit.
    ///
    /// - Parameter place: the place of the sample in the family.
    mutating func write(_ sample: MetricSample, at place: Int) throws(MetricsTextError) {
        let kind = family.description.kind
        try makeLabels(sample.labels)
        guard sample.value.isPossible(for: kind), takeLabels(sample.labels, of: place) else { return }
        switch sample.value {
        case .number(let number): text.appendLine(heads.value, labels, [], kind == .info ? .unsigned(1) : number)
        case .histogram(let histogram): write(histogram)
        }
        if kind == .counter || kind == .histogram { writeCreated(sample) }
    }

    private mutating func write(_ histogram: MetricHistogram) {
        var count: UInt64 = 0
        for (place, bucket) in histogram.buckets.enumerated() {
            count &+= bucket.count
            if place == bounds.count || bounds[place].bound != bucket.upperBound {
                bounds.removeSubrange(place...)
                bounds.append((bucket.upperBound, Array("le=\"\(MetricNumber.real(bucket.upperBound).text)\"".utf8)))
            }
            text.appendLine(heads.value, labels, bounds[place].text, .unsigned(count))
        }
        text.appendLine(heads.value, labels, Self.lastBound, .unsigned(histogram.count))
        text.appendLine(heads.count, labels, [], .unsigned(histogram.count))
        text.appendLine(heads.sum, labels, [], histogram.sum)
    }

    private static let lastBound = Array("le=\"+Inf\"".utf8)

    private mutating func writeCreated(_ sample: MetricSample) {
        guard format == .openMetrics, let seconds = sample.created else { return }
        if seconds != created.seconds { created = (seconds, Array(MetricNumber.real(seconds).text.utf8)) }
        text.appendLine(heads.created, labels, [], created.text)
    }

    // MARK: Labels

    /// Makes the text between the braces.
    private mutating func makeLabels(_ set: LabelSet) throws(MetricsTextError) {
        try check(set)
        labels.removeAll(keepingCapacity: true)
        set.append(to: &labels)
    }

    /// Returns whether no earlier sample of the family has the present labels, and records that this one has them.
    private mutating func takeLabels(_ set: LabelSet, of place: Int) -> Bool {
        var hasher = set.shared?.hasher ?? Hasher()
        labels.withUnsafeBytes { bytes in
            hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: bytes[(set.shared?.text.count ?? 0)...]))
        }
        var key = hasher.finalize()
        while let other = written[key] {
            // Of the text: sets that differ can have the same one.
            var text: [UInt8] = []
            family.samples[other].labels.append(to: &text)
            if text == labels { return false }
            key &+= 1
        }
        written[key] = place
        return true
    }

    /// Most samples have labels with the same names as the one before.
    private mutating func check(_ set: LabelSet) throws(MetricsTextError) {
        if set.shared === checked.shared, set.own.elementsEqual(checked.names, by: { $0.name == $1 }) { return }
        if let problem = set.shared?.problem ?? NameRules.problem(of: set.own, after: set.shared?.labels ?? []) {
            throw MetricsTextError(family.description.name, problem)
        }
        guard family.description.kind != .histogram || set["le"] == nil else {
            throw MetricsTextError(
                family.description.name, "a histogram must not have a label le: it is the bound of its buckets")
        }
        checked = (set.shared, set.own.map(\.name))
    }
}

/// The beginnings of the lines of a family: the names.
private struct LineHeads {
    /// Of a value, or of the bucket of a histogram.
    let value: [UInt8]
    let count: [UInt8]
    let sum: [UInt8]
    let created: [UInt8]

    init(_ name: String, _ suffix: String) {
        value = Array("\(name)\(suffix)".utf8)
        count = Array("\(name)_count".utf8)
        sum = Array("\(name)_sum".utf8)
        created = Array("\(name)_created".utf8)
    }
}
