import DMADev

/// A column of `top`. A new one is a row in ``all``.
struct TopColumn: Sendable {
    let title: String
    let meaning: String
    let alignment: TextTable.Alignment
    /// Whether sorting by this column begins with the greatest value.
    let fallsFirst: Bool
    let text: @Sendable (TopRow) -> String
    let order: @Sendable (TopRow) -> Order

    /// The sort key of a row; an unknown value is less than any known one.
    enum Order: Comparable {
        case unknown
        case number(Double)
        case text(String)
    }

    static let all: [TopColumn] = [
        TopColumn("DEVICE", "the device's number", number: { Double($0.channel.key.device) }) {
            decimal($0, places: 0)
        },
        TopColumn("NAME", "its name") { $0.channel.key.name },
        TopColumn("VCHAN", "the virtual channel", number: { Double($0.channel.key.vchan) }) { decimal($0, places: 0) },
        TopColumn("STATE", "idle, active, stopped…") { $0.channel.state },
        TopColumn("OPS/S", "operations completed per second", rate: .completed, metric),
        TopColumn("BYTES/S", "bytes moved per second", rate: .bytes, ByteCount.text),
        TopColumn("ERR/S", "failed operations per second", rate: .errors, metric),
        TopColumn("REJ/S", "enqueues rejected by a full ring per second", rate: .rejected, metric),
        TopColumn("BELLS/S", "doorbells per second", rate: .doorbells, metric),
        TopColumn("RING", "used descriptors / all descriptors", alignment: .right, order: ringOrder, text: ringText),
        TopColumn("P50", "median latency from doorbell to completion (upper bound)", part: 0.5),
        TopColumn("P99", "99th percentile of the same latency", part: 0.99),
        TopColumn("OPS", "operations completed since the start", counter: .completed),
        TopColumn("ERRORS", "failed operations since the start", counter: .errors),
    ]

    private init(
        _ title: String, _ meaning: String, alignment: TextTable.Alignment, fallsFirst: Bool = true,
        order: @escaping @Sendable (TopRow) -> Order, text: @escaping @Sendable (TopRow) -> String
    ) {
        self.title = title
        self.meaning = meaning
        self.alignment = alignment
        self.fallsFirst = fallsFirst
        self.order = order
        self.text = text
    }

    private init(
        _ title: String, _ meaning: String, fallsFirst: Bool = false, number: @escaping @Sendable (TopRow) -> Double?,
        _ text: @escaping @Sendable (Double) -> String
    ) {
        self.init(
            title, meaning, alignment: .right, fallsFirst: fallsFirst,
            order: { number($0).map(Order.number) ?? .unknown }, text: { number($0).map(text) ?? "-" })
    }

    private init(
        _ title: String, _ meaning: String, rate: TopCounter, _ text: @escaping @Sendable (Double) -> String
    ) {
        self.init(title, meaning, fallsFirst: true, number: { $0.rates[rate] }, text)
    }

    private init(_ title: String, _ meaning: String, part: Double) {
        self.init(title, meaning, fallsFirst: true, number: { $0.latency?.percentile(part).map { Double($0) } }) {
            timeText(nanoseconds: $0)
        }
    }

    private init(_ title: String, _ meaning: String, counter: TopCounter) {
        self.init(title, meaning, fallsFirst: true, number: { $0.channel.counters[counter].map { Double($0) } }, metric)
    }

    private init(_ title: String, _ meaning: String, name: @escaping @Sendable (TopRow) -> String?) {
        self.init(
            title, meaning, alignment: .left, fallsFirst: false, order: { name($0).map(Order.text) ?? .unknown },
            text: { name($0) ?? "-" })
    }

    private static func ringOrder(_ row: TopRow) -> Order {
        row.channel.usedCount.map { .number(Double($0)) } ?? .unknown
    }

    private static func ringText(_ row: TopRow) -> String {
        guard let all = row.channel.descriptorCount else { return "-" }
        return "\(row.channel.usedCount.map { "\($0)" } ?? "-")/\(all)"
    }

    /// The rows as a table.
    static func table(_ rows: [TopRow]) -> TextTable {
        var table = TextTable(all.map { ($0.title, $0.alignment) })
        for row in rows { table.add(all.map { $0.text(row) }) }
        return table
    }
}
