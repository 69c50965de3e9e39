/// The text of some metrics in parts of bounded size, so that it is never in memory as a whole.
///
/// The joined parts are the text of ``MetricsText/text(of:)``. Each part is UTF-8 text and ends with a line feed.
public struct MetricsTextParts: Sendable {
    /// The size of a part, in bytes, unless another one is chosen. For a server, the threads that each part wakes cost more
    /// than smaller parts save.
    public static let usualSize = 512 << 10

    private let families: [MetricFamily]
    /// The places of the family that is being written, and of its next sample.
    private var place = (family: 0, sample: 0)
    private let size: Int
    private var writer: MetricsWriter
    private var isEnded = false

    /// Writes nothing yet.
    ///
    /// - Parameters:
    ///   - families: the metrics; they stay in memory until the last part.
    ///   - format: the format of the text.
    ///   - size: in bytes. A part ends with the sample with which it reaches this size.
    /// - Throws: if the name of a metric is invalid or occurs twice.
    public init(
        of families: [MetricFamily], in format: MetricsText, size: Int = usualSize
    ) throws(MetricsTextError) {
        var names: Set<String> = []
        for description in families.lazy.map(\.description) {
            if let problem = description.problem { throw MetricsTextError(description.name, problem) }
            guard names.insert(description.name).inserted else {
                throw MetricsTextError(
                    description.name, "the metric occurs twice; it must occur once, with all of its samples")
            }
        }
        self.families = families
        self.size = size
        writer = MetricsWriter(format: format)
    }

    /// The next part; `nil` after the last one. No part is empty.
    ///
    /// The memory of a part is used again for the next one if the caller has released it.
    ///
    /// - Throws: if the name of a label is invalid or occurs twice. The text ends there, incomplete.
    public mutating func next() throws(MetricsTextError) -> ArraySlice<UInt8>? {
        guard !isEnded else { return nil }
        writer.beginPart()
        do {
            while writer.text.count < size, !isEnded {
                if place.family < families.count {
                    try write(families[place.family])
                } else {
                    writer.writeEnd()
                    isEnded = true
                }
            }
        } catch {
            isEnded = true
            throw error
        }
        return writer.text.count > 0 ? writer.text.bytes : nil
    }

    /// Writes samples of a family until the part is full, at least one.
    private mutating func write(_ family: MetricFamily) throws(MetricsTextError) {
        if place.sample == 0, !family.samples.isEmpty { writer.begin(family) }
        let start = place.sample
        while place.sample < family.samples.count, place.sample == start || writer.text.count < size {
            try writer.write(family.samples[place.sample], at: place.sample)
            place.sample += 1
        }
        if place.sample == family.samples.count { place = (place.family + 1, 0) }
    }
}
