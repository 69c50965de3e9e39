import CommandSupport
import DMADev
import LinuxSystem
import MetricsExporter
import TelemetryWire

/// What one source reports at one time.
struct StatReading {
    /// A channel of a process.
    struct ChannelKey: Hashable {
        let device: UInt64
        let name: String
        let vchan: Int
    }

    /// An engine of a process.
    struct EngineKey: Hashable {
        let id: UInt64
        let name: String
    }

    /// The values of a channel; those that its source does not report are missing.
    struct Channel {
        /// Running counts by their names in the reply.
        var counters: [String: UInt64] = [:]
        var highWater: UInt64?
        var usedSlots: UInt64?
        var descriptorCount: UInt64?
        var state: String?
        var latency: Latency?
    }

    struct Engine {
        var busyNanoseconds: UInt64 = 0
        var operations: UInt64 = 0
        var bytes: UInt64 = 0
    }

    var channels: [ChannelKey: Channel] = [:]
    var engines: [EngineKey: Engine] = [:]
    var deviceCount = 0
    /// When the last reply came.
    var time = MonotonicTime.now
}

/// Takes a reading of one source.
final class StatVisitor: SourceVisitor {
    static let limits = (devices: Int(Int16.max), channels: 1 << 20, groups: 0)

    private(set) var reading = StatReading()
    private var names: [UInt64: String] = [:]

    func selectCommands(from offered: Set<String>, process: (id: Int64, visibleID: Int32?)) -> [SourceCommand] {
        [
            .channels, .latency, .engines,
            offered.contains(SourceCommand.counters.path) ? .counters : .statistics,
        ]
    }

    func take(_ reply: JSONTree, to request: SourceRequest) {
        reading.time = .now
        switch request.command {
        case .deviceInfo:
            reading.deviceCount += 1
            guard let device = request.device else { return }
            names[device.id] = JSONReader.label(reply["name"]?.string ?? "")
        case .channels:
            for row in reply.elements { takeRing(row, request) }
        case .counters, .statistics: takeCounters(reply, request)
        case .latency:
            guard reply["buckets"] != nil else { return }
            change(request) { $0.latency = Latency(reply) }
        case .engines:
            for row in reply.elements { takeEngine(row) }
        default: break
        }
    }

    private func change(
        _ request: SourceRequest, vchan: Int? = nil, _ body: (inout StatReading.Channel) -> Void
    ) {
        guard let device = request.device else { return }
        let key = StatReading.ChannelKey(
            device: device.id, name: names[device.id] ?? "", vchan: vchan ?? request.index)
        body(&reading.channels[key, default: StatReading.Channel()])
    }

    private func takeRing(_ row: JSONTree, _ request: SourceRequest) {
        guard let vchan = row["vchan"]?.unsigned.flatMap({ Int(exactly: $0) }) else { return }
        change(request, vchan: vchan) { channel in
            channel.state = row["state"]?.string
            channel.descriptorCount = row["nb_desc"]?.unsigned
            let used = ["pending", "running", "completed"].compactMap { row[$0]?.unsigned }
            if used.count == 3 { channel.usedSlots = used.reduce(0, saturatingSum) }
        }
    }

    private func takeCounters(_ reply: JSONTree, _ request: SourceRequest) {
        change(request) { channel in
            for counter in ChannelCounter.table {
                guard let value = reply[counter.name]?.unsigned else { continue }
                if counter.isPeak {
                    channel.highWater = value
                } else {
                    channel.counters[counter.name] = value
                }
            }
        }
    }

    private func takeEngine(_ row: JSONTree) {
        guard let id = row["id"]?.unsigned else { return }
        let name = JSONReader.label(row["name"]?.string ?? "")
        reading.engines[StatReading.EngineKey(id: id, name: name)] = StatReading.Engine(
            busyNanoseconds: row["busy_ns"]?.unsigned ?? 0, operations: row["operations"]?.unsigned ?? 0,
            bytes: row["bytes"]?.unsigned ?? 0)
    }
}

/// The sum, or the greatest number: counts of an untrusted source may be of any size.
func saturatingSum(_ one: UInt64, _ other: UInt64) -> UInt64 {
    let (sum, overflow) = one.addingReportingOverflow(other)
    return overflow ? .max : sum
}
