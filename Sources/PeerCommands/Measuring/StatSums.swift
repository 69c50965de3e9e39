import CommandSupport
import DMADev

/// What has happened on the channels and engines of a process between readings.
struct StatSums {
    struct Channel {
        /// Increases by the counters' names; a counter that the source does not report is missing.
        private(set) var counters: [String: UInt64] = [:]
        private(set) var latency: Latency?
        /// The most slots of the ring that were in use at a doorbell; `nil` if it is not known, because the mark of an
        /// earlier time was not exceeded.
        private(set) var highWater: UInt64?
        /// The most slots that a reading found in use.
        private(set) var usedSlots: UInt64?
        private(set) var descriptorCount: UInt64?
        private(set) var state: String?

        subscript(_ counter: String) -> UInt64? { counters[counter] }

        /// Whether anything has happened.
        var hasMoved: Bool {
            ["submitted", "completed", "rejected_enqueues", "doorbells"].contains { counters[$0] ?? 0 > 0 }
        }

        /// The statuses of failed operations with their counts, the most frequent first.
        var failures: [(status: String, count: UInt64)] {
            counters.filter { $0.key.hasPrefix("status_") && $0.key != "status_successful" && $0.value > 0 }
                .map { (String($0.key.dropFirst("status_".count)), $0.value) }
                .sorted { ($1.count, $0.status) < ($0.count, $1.status) }
        }

        fileprivate mutating func add(_ now: StatReading.Channel, since before: StatReading.Channel?) {
            // Statistics that were reset, or a device that was removed and created again, count from 0.
            let isReset = ["submitted", "completed", "errors"].contains { name in
                now.counters[name] ?? 0 < before?.counters[name] ?? 0
            }
            let old = isReset ? nil : before
            for (name, value) in now.counters {
                let past = old?.counters[name] ?? 0
                counters[name] = saturatingSum(counters[name] ?? 0, value > past ? value - past : 0)
            }
            if let latency = now.latency {
                let added = old?.latency.map(latency.since) ?? latency
                if added.count > 0 || self.latency == nil {
                    self.latency = self.latency.map { Latency.total(of: [$0, added]) } ?? added
                }
            }
            if let mark = now.highWater, mark > old?.highWater ?? 0 { highWater = max(highWater ?? 0, mark) }
            if let used = now.usedSlots { usedSlots = max(usedSlots ?? 0, used) }
            descriptorCount = now.descriptorCount ?? descriptorCount
            state = now.state ?? state
        }
    }

    struct Engine {
        private(set) var busyNanoseconds: UInt64 = 0
        private(set) var operations: UInt64 = 0
        private(set) var bytes: UInt64 = 0

        fileprivate mutating func add(_ now: StatReading.Engine, since before: StatReading.Engine?) {
            func increase(_ value: KeyPath<StatReading.Engine, UInt64>) -> UInt64 {
                let (new, old) = (now[keyPath: value], before?[keyPath: value] ?? 0)
                return new >= old ? new - old : new
            }
            busyNanoseconds = saturatingSum(busyNanoseconds, increase(\.busyNanoseconds))
            operations = saturatingSum(operations, increase(\.operations))
            bytes = saturatingSum(bytes, increase(\.bytes))
        }
    }

    private(set) var channels: [StatReading.ChannelKey: Channel] = [:]
    private(set) var engines: [StatReading.EngineKey: Engine] = [:]

    /// The most channels and engines that are counted of one process, which may report new names each time.
    private static let limit = 1 << 17

    /// Adds what a reading has more than an earlier one; `nil`: it is all new.
    mutating func add(_ now: StatReading, since before: StatReading?) {
        for (key, channel) in now.channels where channels.count < Self.limit || channels[key] != nil {
            channels[key, default: Channel()].add(channel, since: before?.channels[key])
        }
        for (key, engine) in now.engines where engines.count < Self.limit || engines[key] != nil {
            engines[key, default: Engine()].add(engine, since: before?.engines[key])
        }
    }

    /// The channels by device and number.
    var sortedChannels: [(key: StatReading.ChannelKey, sums: Channel)] {
        channels.sorted { ($0.key.device, $0.key.vchan) < ($1.key.device, $1.key.vchan) }
            .map { ($0.key, $0.value) }
    }

    var sortedEngines: [(key: StatReading.EngineKey, sums: Engine)] {
        engines.sorted { $0.key.id < $1.key.id }.map { ($0.key, $0.value) }
    }
}
