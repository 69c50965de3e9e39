import LinuxSystem
import OpenMetricsText
import TelemetryClient
import TelemetryWire

/// Asks one source for all that the table wants, and keeps the samples until the source has answered everything.
final class SourceConversation: TelemetryConversation {
    /// One question, or a place where the next ones are made.
    private enum Step {
        case offers
        case process(SourceCommand)
        case devices
        case info(id: UInt64)
        case device(SourceCommand, Device)
        case channels(Device)
        case channel(SourceCommand, Device, UInt64)
    }

    /// A device of the source.
    private final class Device {
        let id: UInt64
        let name: String
        let channelCount: UInt64
        /// Channels that are not set up: they have no counters, and a question would be an error of theirs.
        var missing: Set<UInt64> = []

        init(id: UInt64, name: String, channelCount: UInt64) {
            self.id = id
            self.name = name
            self.channelCount = channelCount
        }
    }

    /// More samples than this are nothing that a process says of its devices.
    static let sampleLimit = 100_000

    /// What the source said of itself; `nil` until it did.
    private(set) var greeting: TelemetryGreeting?
    /// The samples by the rows of the table.
    private(set) var samples: [Int: [MetricSample]] = [:]

    private let source: ScrapeSource
    private let rows: [MetricRow]
    private let resets: ResetWatch
    private let proc: ProcDirectory

    /// What is still to be asked, the next one last.
    private var steps: [Step] = [.offers]
    private var current: Step?
    /// The rows that each command feeds.
    private var plan: [SourceCommand: [Int]] = [:]
    private var labels: LabelSet = [:]
    private var processStart: Double?
    /// The process behind the socket; 0 before it has greeted.
    private(set) var pid: Int64 = 0
    private var sampleCount = 0

    init(_ source: ScrapeSource, rows: [MetricRow], resets: ResetWatch, proc: ProcDirectory) {
        self.source = source
        self.rows = rows
        self.resets = resets
        self.proc = proc
    }

    func begin(_ greeting: TelemetryGreeting, peer: PeerCredentials) {
        self.greeting = greeting
        // The kernel's word, unless the process is in a namespace that is not seen from here.
        pid = peer.pid > 0 ? Int64(peer.pid) : greeting.pid
        processStart = peer.pid > 0 ? proc.startTime(of: peer.pid) : nil
        labels = source.labels + ["pid": "\(pid)"]
    }

    func nextRequest() -> String? {
        while let step = steps.popLast() {
            current = step
            switch step {
            case .offers: return "/"
            case .devices: return SourceCommand.deviceList.path
            case .info(let id): return "\(SourceCommand.deviceInfo.path),\(id)"
            case .process(let command): return command.parameters.map { "\(command.path),\($0)" } ?? command.path
            case .device(let command, let device): return "\(command.path),\(device.id)"
            case .channel(let command, let device, let vchan): return "\(command.path),\(device.id),\(vchan)"
            case .channels(let device):
                let commands = self.commands(.vchan)
                for vchan in (0..<device.channelCount).reversed() where !device.missing.contains(vchan) {
                    steps += commands.map { .channel($0, device, vchan) }
                }
            }
        }
        return nil
    }

    func take(_ reply: JSONTree, to request: String) throws(TelemetryClientError) {
        switch current {
        case .offers?: makePlan(Set(reply.elements.compactMap(\.string)))
        case .process(let command)?: try note(reply, command, labels, key: "")
        case .devices?:
            try note(reply, .deviceList, labels, key: "")
            // A device id is an int16.
            let ids = Set(reply.elements.compactMap(\.unsigned).filter { $0 <= UInt64(Int16.max) })
            steps += ids.sorted(by: >).map { .info(id: $0) }
        case .info(let id)?:
            // Null: it has gone meanwhile.
            guard reply != .null else { return }
            let count = min(reply["nb_vchans"]?.unsigned ?? 0, UInt64(UInt16.max))
            let device = Device(id: id, name: JSONReader(reply).label("name"), channelCount: count)
            try note(reply, .deviceInfo, labels(of: device), key: "\(id)")
            steps.append(.channels(device))
            steps += commands(.device).filter { $0 != .deviceInfo }.map { .device($0, device) }
        case .device(let command, let device)?:
            if command == .channels {
                let missing = reply.elements.filter { $0["state"]?.string == MetricTable.channelStates[0] }
                device.missing = Set(missing.compactMap { $0["vchan"]?.unsigned })
            }
            try note(reply, command, labels(of: device), key: "\(device.id)")
        case .channel(let command, let device, let vchan)?:
            try note(reply, command, labels(of: device) + ["vchan": "\(vchan)"], key: "\(device.id),\(vchan)")
        case .channels?, nil: break
        }
    }

    /// Each row takes the first of its commands that the source offers.
    private func makePlan(_ offered: Set<String>) {
        for (place, row) in rows.enumerated() {
            guard case .telemetry(let commands, _) = row.origin,
                let command = commands.first(where: { offered.contains($0.path) })
            else { continue }
            plan[command, default: []].append(place)
        }
        if offered.contains(SourceCommand.deviceList.path), offered.contains(SourceCommand.deviceInfo.path) {
            steps.append(.devices)
        }
        steps += commands(.process).filter { $0 != .deviceList }.map { .process($0) }
    }

    /// The planned commands of a scope, in a fixed order.
    private func commands(_ scope: SourceCommand.Scope) -> [SourceCommand] {
        plan.keys.filter { $0.scope == scope }.sorted { $0.path > $1.path }
    }

    private func labels(of device: Device) -> LabelSet {
        labels + ["device": "\(device.id)", "name": device.name]
    }

    private func note(
        _ reply: JSONTree, _ command: SourceCommand, _ labels: LabelSet, key: String
    ) throws(TelemetryClientError) {
        guard reply != .null, let places = plan[command] else { return }
        let created = resets.created(
            ResetWatch.Key(path: source.path, pid: pid, command: command.path, parameters: key),
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
