import OpenMetricsText
import TelemetryClient
import TelemetryWire

/// Converts the replies of one source to samples. They are valid after the last reply.
final class SampleBuilder: SourceVisitor {
    static let limits = (devices: Int.max, channels: Int.max, groups: Int.max)
    /// Values of one source, the buckets of histograms included: about 100 for each channel. A source with more is treated as
    /// failed.
    static let sampleLimit = 500_000
    /// Elements of a reply that is an array. Each may become several values, which are not created beyond this limit.
    static let elementLimit = 16_384

    /// Samples of each row of the table.
    private(set) var samples: [[MetricSample]]

    private let source: ScrapeSource
    private let rows: [MetricRow]
    private let resets: ResetDetector
    private let proc: ProcDirectory

    /// The rows whose values each command supplies.
    private var plan: [SourceCommand: [Int]] = [:]
    private var labels: LabelSet = [:]
    private var pid: Int64 = 0
    private var processStart: Double?
    private var sampleCount = 0

    init(_ source: ScrapeSource, rows: [MetricRow], resets: ResetDetector, proc: ProcDirectory) {
        self.source = source
        self.rows = rows
        self.resets = resets
        self.proc = proc
        samples = [[MetricSample]](repeating: [], count: rows.count)
    }

    /// For each row, the first of its commands that the source offers.
    func selectCommands(from offered: Set<String>, process: (id: Int64, visibleID: Int32?)) -> [SourceCommand] {
        pid = process.id
        processStart = process.visibleID.flatMap(proc.startTime)
        labels = source.labels
        for (place, row) in rows.enumerated() {
            guard case .telemetry(let commands, _) = row.origin,
                let command = commands.first(where: { offered.contains($0.path) })
            else { continue }
            plan[command, default: []].append(place)
        }
        return Array(plan.keys)
    }

    func take(_ reply: JSONTree, to request: SourceRequest) throws(TelemetryClientError) {
        let command = request.command
        guard reply != .null, let places = plan[command] else { return }
        guard reply.elements.count <= Self.elementLimit else {
            throw TelemetryClientError(
                .tooLong, "\(source.path) answers \(request.text) with more than \(Self.elementLimit) elements")
        }
        var labels = labels
        if let device = request.device { labels = labels + ["device": "\(device.id)", "name": device.name] }
        if command.scope == .vchan { labels = labels + ["vchan": "\(request.index)"] }
        // Shared by the series of this reply.
        labels = LabelSet(labels.labels)
        let created = resets.created(
            ResetDetector.Key(source: source.name, pid: pid, request: request.text),
            monotonicMembers: command.monotonicMembers.compactMap { reply[$0]?.unsigned }, processStart: processStart)
        for place in places {
            guard case .telemetry(_, let take) = rows[place].origin else { continue }
            let points = take(reply)
            let description = rows[place].description
            guard points.allSatisfy({ $0.value.isPossible(for: description.kind) }) else {
                throw TelemetryClientError(
                    .invalidValue,
                    "\(source.path) answers \(request.text) with a value that \(description.name) cannot have")
            }
            guard points.count < 2 || Set(points.map(\.labels)).count == points.count else {
                throw TelemetryClientError(
                    .invalidValue, "\(source.path) answers \(request.text) with two values of one \(description.name)")
            }
            sampleCount += points.reduce(0) { $0 + $1.value.lineCount }
            guard sampleCount <= Self.sampleLimit else {
                throw TelemetryClientError(
                    .tooLong, "\(source.path) sends more than \(Self.sampleLimit) values, which is the limit")
            }
            let sinceWhen = rows[place].isCounted ? created : nil
            for point in points {
                samples[place].append(MetricSample(labels + point.labels, point.value, created: sinceWhen))
            }
        }
    }
}

extension MetricValue {
    /// About how many lines it has in the text formats.
    fileprivate var lineCount: Int {
        if case .histogram(let histogram) = self { histogram.buckets.count + 3 } else { 1 }
    }
}
