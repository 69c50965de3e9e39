import OpenMetricsText
import TelemetryClient
import TelemetryWire

/// Makes samples of what a source answers. They are of use once it has answered everything.
final class SampleTaker: SourceTaker {
    static let limits = (devices: Int.max, channels: Int.max, groups: Int.max)
    /// More samples than this are nothing that a process says of its devices.
    static let sampleLimit = 100_000

    /// The samples by the rows of the table.
    private(set) var samples: [Int: [MetricSample]] = [:]

    private let source: ScrapeSource
    private let rows: [MetricRow]
    private let resets: ResetWatch
    private let proc: ProcDirectory

    /// The rows that each command feeds.
    private var plan: [SourceCommand: [Int]] = [:]
    private var labels: LabelSet = [:]
    private var pid: Int64 = 0
    private var processStart: Double?
    private var sampleCount = 0

    init(_ source: ScrapeSource, rows: [MetricRow], resets: ResetWatch, proc: ProcDirectory) {
        self.source = source
        self.rows = rows
        self.resets = resets
        self.proc = proc
    }

    /// Each row takes the first of its commands that the source offers.
    func pick(from offered: Set<String>, process: (id: Int64, visibleID: Int32?)) -> [SourceCommand] {
        pid = process.id
        processStart = process.visibleID.flatMap(proc.startTime)
        labels = source.labels + ["pid": "\(pid)"]
        for (place, row) in rows.enumerated() {
            guard case .telemetry(let commands, _) = row.origin,
                let command = commands.first(where: { offered.contains($0.path) })
            else { continue }
            plan[command, default: []].append(place)
        }
        return Array(plan.keys)
    }

    func take(_ reply: JSONTree, to question: SourceQuestion) throws(TelemetryClientError) {
        let command = question.command
        guard reply != .null, let places = plan[command] else { return }
        var labels = labels
        if let device = question.device { labels = labels + ["device": "\(device.id)", "name": device.name] }
        if command.scope == .vchan { labels = labels + ["vchan": "\(question.index)"] }
        let created = resets.created(
            ResetWatch.Key(path: source.path, pid: pid, request: question.request),
            witnesses: command.witnesses.compactMap { reply[$0]?.unsigned }, processStart: processStart)
        for place in places {
            guard case .telemetry(_, let take) = rows[place].origin else { continue }
            let points = take(reply)
            sampleCount += points.count
            guard sampleCount <= Self.sampleLimit else {
                throw TelemetryClientError(
                    .tooLong, "\(source.path) tells more than the \(Self.sampleLimit) values that are taken")
            }
            samples[place, default: []] += points.map {
                MetricSample(labels + $0.labels, $0.value, created: rows[place].isCounted ? created : nil)
            }
        }
    }
}
