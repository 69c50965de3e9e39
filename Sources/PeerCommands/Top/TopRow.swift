import CommandSupport
import DMADev
import LinuxSystem
import TelemetryWire

/// The change of one channel between two readings.
struct TopRow {
    let channel: TopChannel
    /// The increase since the previous reading, and the increase per second. Counters that decreased, because they were
    /// reset, have none.
    let deltas: [TopCounter: UInt64]
    let rates: [TopCounter: Double]
    /// The histogram of the operations since the previous reading.
    let latency: Latency?

    /// What is wrong with a channel now; the worst first.
    enum Trouble: Int, CaseIterable {
        case halted, stuck, failing
    }

    /// What is wrong; `nil` if nothing is known to be.
    var trouble: Trouble? {
        switch channel.state {
        case "halted": .halted
        case "stuck": .stuck
        default: rates[.errors] ?? 0 > 0 ? .failing : nil
        }
    }

    /// `1 halted, 2 failing`, as parts.
    static func troubles(of rows: [TopRow]) -> [String] {
        Trouble.allCases.compactMap { trouble in
            let count = rows.count { $0.trouble == trouble }
            return count > 0 ? "\(count) \(trouble)" : nil
        }
    }

    /// The rows of a reading, in the target's order.
    static func rows(of reading: TopReading, since previous: TopReading?) -> [TopRow] {
        // A different process may have the same socket: do not compare with its predecessor.
        let before = previous?.pid == reading.pid ? previous : nil
        let channels = Dictionary(before?.channels.map { ($0.key, $0) } ?? [], uniquingKeysWith: { $1 })
        return reading.channels.map { channel in
            let old = channels[channel.key]
            let start = old?.time ?? before?.time
            let seconds = start.map { Double((channel.time ?? reading.time).nanoseconds(since: $0)) / 1e9 } ?? 0
            return TopRow(channel, since: old, seconds: seconds)
        }
    }

    /// Whether its process, device or state contains the text; capital letters make no difference.
    func contains(_ text: String) -> Bool {
        let key = channel.key
        let texts = [key.process?.name, key.name, channel.state, trouble.map { "\($0)" }]
        return texts.contains { $0?.lowercased().contains(text.lowercased()) == true }
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

    /// The sum of a rate over the rows that have it; `nil` if none has it.
    static func total(_ counter: TopCounter, of rows: [TopRow]) -> Double? {
        let rates = rows.compactMap { $0.rates[counter] }
        return rates.isEmpty ? nil : rates.reduce(0, +)
    }
}

extension TopReading {
    /// The reading as JSON. Unknown values are null, for example rates in the first reading.
    func json(since previous: TopReading?, filter: String, order: TopOrder) -> JSONTree {
        let before = previous?.pid == pid ? previous : nil
        return .object(
            [
                JSONTree.Member("time_ns", .unsigned(wallClock)),
                JSONTree.Member(
                    "interval_ns", before.map { .unsigned(time.nanoseconds(since: $0.time)) } ?? .null),
            ] + originJSON + [JSONTree.Member("channels", .array(rows(since: before, filter, order).map(\.json)))])
    }

    private var originJSON: [JSONTree.Member] {
        switch origin {
        case .process(let version, let pid):
            [JSONTree.Member("version", .string(version)), JSONTree.Member("pid", .integer(pid))]
        case .all(_, let failures): [JSONTree.Member("failures", .array(failures.map(\.json)))]
        }
    }

    /// The rows with the filter's text, in that order.
    func rows(since previous: TopReading?, _ filter: String, _ order: TopOrder) -> [TopRow] {
        order.sorted(TopRow.rows(of: self, since: previous).filter { filter.isEmpty || $0.contains(filter) })
    }
}

extension TopRow {
    fileprivate var json: JSONTree {
        func number(_ value: UInt64?) -> JSONTree { value.map(JSONTree.unsigned) ?? .null }
        func rate(_ name: String, _ counter: TopCounter) -> JSONTree.Member {
            JSONTree.Member(name, rates[counter].map(JSONTree.double) ?? .null)
        }
        let totals = TopCounter.allCases.map { JSONTree.Member($0.rawValue, number(channel.counters[$0])) }
        let process = channel.key.process.map {
            [
                JSONTree.Member("process", .string($0.name)), JSONTree.Member("path", .string($0.path)),
                JSONTree.Member("pid", .integer($0.pid)),
            ]
        }
        return .object(
            (process ?? []) + [
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

extension TopFailure {
    fileprivate var json: JSONTree {
        .object([
            JSONTree.Member("process", .string(name)), JSONTree.Member("verdict", .string(verdict)),
            JSONTree.Member("reason", .string(reason)),
        ])
    }
}
