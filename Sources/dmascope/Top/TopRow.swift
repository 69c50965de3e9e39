import DMADev
import LinuxSystem
import TelemetryWire

/// One channel between two readings.
struct TopRow {
    let channel: TopChannel
    /// What was added since the reading before, and a second of that; counters that ran backwards, because somebody set
    /// them to 0, have none.
    let deltas: [TopCounter: UInt64]
    let rates: [TopCounter: Double]
    /// The operations since the reading before.
    let latency: Latency?

    /// The rows of a reading, in the target's order.
    static func rows(of reading: TopReading, since previous: TopReading?) -> [TopRow] {
        // Another process at the same place is another one.
        let before = previous?.pid == reading.pid ? previous : nil
        let channels = Dictionary(before?.channels.map { ($0.key, $0) } ?? [], uniquingKeysWith: { $1 })
        let seconds = before.map { Double(reading.time.nanoseconds(since: $0.time)) / 1e9 } ?? 0
        return reading.channels.map { TopRow($0, since: channels[$0.key], seconds: seconds) }
    }

    private init(_ channel: TopChannel, since before: TopChannel?, seconds: Double) {
        self.channel = channel
        var deltas: [TopCounter: UInt64] = [:]
        for (counter, value) in channel.counters {
            if let old = before?.counters[counter], old <= value { deltas[counter] = value - old }
        }
        self.deltas = deltas
        rates = seconds > 0 ? deltas.mapValues { Double($0) / seconds } : [:]
        latency = before?.latency.flatMap { old in channel.latency?.since(old) }
    }

    /// The sum of a rate over rows that have it; `nil` when none has.
    static func total(_ counter: TopCounter, of rows: [TopRow]) -> Double? {
        let rates = rows.compactMap { $0.rates[counter] }
        return rates.isEmpty ? nil : rates.reduce(0, +)
    }
}

extension TopReading {
    /// The reading as one line of JSON. What is not known is null: rates in the first reading, for one.
    func json(since previous: TopReading?) -> JSONTree {
        let before = previous?.pid == pid ? previous : nil
        return .object([
            JSONTree.Member("time_ns", .unsigned(wallClock)),
            JSONTree.Member(
                "interval_ns", before.map { .unsigned(time.nanoseconds(since: $0.time)) } ?? .null),
            JSONTree.Member("version", .string(version)), JSONTree.Member("pid", .integer(pid)),
            JSONTree.Member("channels", .array(TopRow.rows(of: self, since: before).map(\.json))),
        ])
    }
}

extension TopRow {
    fileprivate var json: JSONTree {
        func number(_ value: UInt64?) -> JSONTree { value.map(JSONTree.unsigned) ?? .null }
        func rate(_ name: String, _ counter: TopCounter) -> JSONTree.Member {
            JSONTree.Member(name, rates[counter].map(JSONTree.double) ?? .null)
        }
        let totals = TopCounter.allCases.map { JSONTree.Member($0.rawValue, number(channel.counters[$0])) }
        return .object(
            [
                JSONTree.Member("id", .integer(channel.key.device)),
                JSONTree.Member("name", .string(channel.key.name)),
                JSONTree.Member("vchan", .integer(channel.key.vchan)),
                JSONTree.Member("state", channel.state.map(JSONTree.string) ?? .null),
                JSONTree.Member("nb_desc", number(channel.descriptorCount)),
                JSONTree.Member("used_desc", number(channel.usedCount)),
            ] + totals + [
                JSONTree.Member(
                    "delta", .object(TopCounter.allCases.map { JSONTree.Member($0.rawValue, number(deltas[$0])) })),
                rate("ops_per_second", .completed), rate("bytes_per_second", .bytes),
                rate("errors_per_second", .errors), rate("rejected_per_second", .rejected),
                rate("doorbells_per_second", .doorbells),
                JSONTree.Member("p50_ns", number(latency?.percentile(0.5))),
                JSONTree.Member("p99_ns", number(latency?.percentile(0.99))),
            ])
    }
}
