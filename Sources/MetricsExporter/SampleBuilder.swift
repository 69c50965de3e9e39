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

    private let plans: SamplePlans
    /// The rows whose values each command supplies.
    private var plan: [SourceCommand: [Int]] = [:]
    /// The labels of the points that each row had last.
    private var pointLabels: [[LabelSet]]
    private var labels: LabelSet = [:]
    private var pid: Int64 = 0
    private var processStart: Double?
    private var sampleCount = 0

    init(_ source: ScrapeSource, plans: SamplePlans, resets: ResetDetector, proc: ProcDirectory) {
        self.source = source
        self.plans = plans
        rows = plans.rows
        self.resets = resets
        self.proc = proc
        samples = [[MetricSample]](repeating: [], count: rows.count)
        pointLabels = [[LabelSet]](repeating: [], count: rows.count)
    }

    /// For each row, the first of its commands that the source offers.
    func selectCommands(from offered: Set<String>, process: (id: Int64, visibleID: Int32?)) -> [SourceCommand] {
        pid = process.id
        processStart = process.visibleID.flatMap(proc.startTime)
        labels = source.labels
        plan = plans.plan(of: offered)
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
        labels = labels.prepared
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
            guard points.count < 2 || areDistinct(points, ofRow: place) else {
                throw TelemetryClientError(
                    .invalidValue, "\(source.path) answers \(request.text) with two values of one \(description.name)")
            }
            sampleCount += points.reduce(0) { $0 + $1.value.lineCount }
            guard sampleCount <= Self.sampleLimit else {
                throw TelemetryClientError(
                    .tooLong, "\(source.path) sends more than \(Self.sampleLimit) values, which is the limit")
            }
            let sinceWhen = rows[place].isCounted ? created : nil
            if samples[place].isEmpty {
                samples[place].reserveCapacity(
                    points.count * min(request.device?.channelCount ?? 1, SourceCommand.partCount))
            }
            for point in points {
                samples[place].append(MetricSample(labels + point.labels, point.value, created: sinceWhen))
            }
        }
    }

    /// Whether no two points have the same labels. Most rows have the same ones for each channel.
    private func areDistinct(_ points: [MetricPoint], ofRow place: Int) -> Bool {
        if points.elementsEqual(pointLabels[place], by: { $0.labels == $1 }) { return true }
        let labels = points.map(\.labels)
        guard Set(labels).count == labels.count else { return false }
        pointLabels[place] = labels
        return true
    }
}

/// Which rows of the table each command supplies with values, for the sources of one collection.
final class SamplePlans {
    let rows: [MetricRow]
    private var offered: Set<String> = []
    private var plan: [SourceCommand: [Int]] = [:]

    init(_ rows: [MetricRow]) {
        self.rows = rows
    }

    /// For each row, the first of its commands that is offered. Most sources of a collection offer the same ones.
    func plan(of offered: Set<String>) -> [SourceCommand: [Int]] {
        if offered == self.offered { return plan }
        self.offered = offered
        plan = [:]
        for (place, row) in rows.enumerated() {
            guard case .telemetry(let commands, _) = row.origin,
                let command = commands.first(where: { offered.contains($0.path) })
            else { continue }
            plan[command, default: []].append(place)
        }
        return plan
    }
}

extension MetricValue {
    /// About how many lines it has in the text formats.
    fileprivate var lineCount: Int {
        if case .histogram(let histogram) = self { histogram.buckets.count + 3 } else { 1 }
    }
}
