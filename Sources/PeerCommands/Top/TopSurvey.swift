import CommandSupport
import DMADev
import LinuxSystem
import MetricsExporter
import TelemetryClient
import TelemetryWire

/// Takes readings of every process with DMA devices.
struct TopSurvey: Sendable {
    private let finder: SourceFinder
    private let timeout: Duration

    /// - Parameter sockets: paths or patterns of sockets, in addition to those in the run directories.
    init(sockets: [String], trust: TelemetryTrust, timeout: Duration) {
        finder = SourceFinder(
            directories: TelemetryRunDirectory.candidates, patterns: sockets, trust: trust, first: [])
        self.timeout = timeout
    }

    func read() throws(Failure) -> TopReading {
        let walks: [SourceWalk<TopVisitor>]
        do throws(TelemetryClientError) {
            walks = try finder.query(timeout: timeout) { _ in TopVisitor() }.walks
        } catch {
            throw Failure("cannot read the telemetry sockets: \(error.reason): end other processes")
        }
        let names = Self.names(of: walks.map(\.source.name))
        var (failures, channels): ([TopFailure], [TopChannel]) = ([], [])
        var (count, deviceCount) = (0, 0)
        for (walk, name) in zip(walks, names).sorted(by: { NaturalText($0.1) < NaturalText($1.1) }) {
            if let failure = walk.outcome?.failure {
                failures.append(
                    TopFailure(name: name, verdict: ProcessRow.verdict(failure.code), reason: failure.reason))
            } else {
                count += 1
                deviceCount += walk.visitor.deviceCount
                channels += walk.visitor.channels(
                    of: TopChannel.Process(name: name, path: walk.source.path, pid: walk.process ?? 0))
            }
        }
        return TopReading(
            time: .now, wallClock: MonotonicTime.wallClockNanoseconds, origin: .all(count: count, failures: failures),
            deviceCount: deviceCount, channels: channels)
    }

    /// Short names where they are unique, else with the directory.
    private static func names(of sources: [TelemetrySource]) -> [String] {
        let short = sources.map { source in
            source.instance.map { $0 > 0 ? "\(source.prefix):\($0)" : source.prefix } ?? source.prefix
        }
        let counts = Dictionary(short.map { ($0, 1) }, uniquingKeysWith: +)
        return zip(sources, short).map { $1.isEmpty || counts[$1] != 1 ? "\($0)" : $1 }
    }
}

/// The channels of one source.
private final class TopVisitor: SourceVisitor {
    static let limits = (devices: Int(Int16.max), channels: 1 << 20, groups: 0)

    private var names: [Int64: String] = [:]
    private var found: [TopChannel.Key: TopChannel] = [:]

    var deviceCount: Int { names.count }

    func selectCommands(from offered: Set<String>, process: (id: Int64, visibleID: Int32?)) -> [SourceCommand] {
        [.channels, offered.contains(SourceCommand.counters.path) ? .counters : .statistics, .latency]
    }

    func take(_ reply: JSONTree, to request: SourceRequest) {
        guard let device = (request.device?.id).map({ Int64($0) }) else { return }
        switch request.command {
        case .deviceInfo: names[device] = JSONReader.label(reply["name"]?.string ?? "")
        case .channels:
            for row in reply.elements {
                if let vchan = row["vchan"]?.integer { change(device, vchan) { $0.take(row) } }
            }
        case .counters, .statistics:
            change(device, Int64(request.index)) { channel in
                channel.take(counters: reply)
                channel.time = .now
            }
        case .latency:
            change(device, Int64(request.index)) { $0.latency = reply["buckets"] == nil ? nil : Latency(reply) }
        default: break
        }
    }

    private func change(_ device: Int64, _ vchan: Int64, _ body: (inout TopChannel) -> Void) {
        let key = TopChannel.Key(device: device, name: "", vchan: vchan)
        body(&found[key, default: TopChannel(key: key)])
    }

    /// The channels by device and number.
    func channels(of process: TopChannel.Process) -> [TopChannel] {
        found.values.sorted { ($0.key.device, $0.key.vchan) < ($1.key.device, $1.key.vchan) }.map { channel in
            let key = channel.key
            return TopChannel(
                key: .init(device: key.device, name: names[key.device] ?? "", vchan: key.vchan, process: process),
                like: channel)
        }
    }
}

extension TopChannel {
    /// What is known of a channel, under another key.
    fileprivate init(key: Key, like channel: TopChannel) {
        self.init(
            key: key, time: channel.time, state: channel.state, descriptorCount: channel.descriptorCount,
            usedCount: channel.usedCount, counters: channel.counters, latency: channel.latency)
    }
}
