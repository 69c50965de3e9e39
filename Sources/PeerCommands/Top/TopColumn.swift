import ArgumentParser
import CommandSupport
import DMADev

/// A column of `top`. A new one is a row in ``all``.
struct TopColumn: Sendable, Equatable {
    let title: String
    let meaning: String
    /// The width of most of its texts; 0: that of the title.
    let usualWidth: Int
    /// Columns that do not fit are left out, those with the highest numbers first.
    let rank: Int
    let alignment: TextTable.Alignment
    /// Whether sorting by this column begins with the greatest value.
    let fallsFirst: Bool
    /// Whether it has names, which are cut where there is no room.
    let isName: Bool
    let text: @Sendable (TopRow) -> String
    let order: @Sendable (TopRow) -> Order

    /// The sort key of a row; an unknown value is less than any known one.
    enum Order: Comparable {
        case unknown
        case number(Double)
        case text(NaturalText)
    }

    static let all: [TopColumn] = [
        process,
        device,
        TopColumn("NAME", 0, "its name", isName: true) { $0.channel.key.name },
        TopColumn("VCHAN", 1, "the virtual channel", number: { Double($0.channel.key.vchan) }) {
            decimal($0, places: 0)
        },
        TopColumn("STATE", 2, "idle, active, stuck, halted, stopped…", usualWidth: 7) { $0.channel.state },
        TopColumn("OPS/S", 3, "operations completed per second", rate: .completed, Quantity.count),
        TopColumn("BYTES/S", 9, "bytes moved per second", rate: .bytes, Quantity.bytes),
        TopColumn("ERR/S", 11, "failed operations per second", rate: .errors, Quantity.count),
        TopColumn("REJ/S", 12, "enqueues rejected by a full ring per second", rate: .rejected, Quantity.count),
        TopColumn("BELLS/S", 14, "doorbells per second", rate: .doorbells, Quantity.count),
        TopColumn(
            "RING", 10, "used descriptors / all descriptors", alignment: .right, usualWidth: 9, order: ringOrder,
            text: ringText),
        TopColumn("P50", 7, "median latency from doorbell to completion (upper bound)", part: 0.5),
        TopColumn("P99", 6, "99th percentile of the same latency", part: 0.99),
        TopColumn("OPS", 8, "operations completed since the start", counter: .completed),
        TopColumn("ERRORS", 5, "failed operations since the start", counter: .errors),
    ]

    /// Shown only with several processes.
    static let process = TopColumn("PROCESS", 4, "the process, by its file prefix", isName: true) {
        $0.channel.key.process?.name
    }
    static let device = TopColumn("DEVICE", 13, "the device's number", number: { Double($0.channel.key.device) }) {
        decimal($0, places: 0)
    }

    /// The columns of a reading of one process, or of all.
    static func columns(ofAll showsAll: Bool) -> [TopColumn] { showsAll ? all : all.filter { $0 != process } }

    static func == (left: TopColumn, right: TopColumn) -> Bool { left.title == right.title }

    private init(
        _ title: String, _ rank: Int, _ meaning: String, alignment: TextTable.Alignment, fallsFirst: Bool = true,
        isName: Bool = false, usualWidth: Int = 0, order: @escaping @Sendable (TopRow) -> Order,
        text: @escaping @Sendable (TopRow) -> String
    ) {
        self.title = title
        self.meaning = meaning
        self.rank = rank
        self.usualWidth = usualWidth
        self.alignment = alignment
        self.fallsFirst = fallsFirst
        self.isName = isName
        self.order = order
        self.text = text
    }

    private init(
        _ title: String, _ rank: Int, _ meaning: String, fallsFirst: Bool = false, usualWidth: Int = 0,
        number: @escaping @Sendable (TopRow) -> Double?, _ text: @escaping @Sendable (Double) -> String
    ) {
        self.init(
            title, rank, meaning, alignment: .right, fallsFirst: fallsFirst, usualWidth: usualWidth,
            order: { number($0).map(Order.number) ?? .unknown }, text: { number($0).map(text) ?? "-" })
    }

    private init(
        _ title: String, _ rank: Int, _ meaning: String, rate: TopCounter,
        _ text: @escaping @Sendable (Double) -> String
    ) {
        self.init(
            title, rank, meaning, fallsFirst: true, usualWidth: rate == .bytes ? 8 : 6, number: { $0.rates[rate] }, text
        )
    }

    private init(_ title: String, _ rank: Int, _ meaning: String, part: Double) {
        self.init(
            title, rank, meaning, fallsFirst: true, usualWidth: 7,
            number: { $0.latency?.percentile(part).map { Double($0) } },
            Quantity.time(nanoseconds:))
    }

    private init(_ title: String, _ rank: Int, _ meaning: String, counter: TopCounter) {
        self.init(
            title, rank, meaning, fallsFirst: true, usualWidth: 6,
            number: { $0.channel.counters[counter].map { Double($0) } },
            Quantity.count)
    }

    private init(
        _ title: String, _ rank: Int, _ meaning: String, isName: Bool = false, usualWidth: Int = 0,
        name: @escaping @Sendable (TopRow) -> String?
    ) {
        self.init(
            title, rank, meaning, alignment: .left, fallsFirst: false, isName: isName, usualWidth: usualWidth,
            order: { name($0).map { Order.text(NaturalText($0)) } ?? .unknown }, text: { name($0) ?? "-" })
    }

    private static func ringOrder(_ row: TopRow) -> Order {
        row.channel.usedCount.map { .number(Double($0)) } ?? .unknown
    }

    private static func ringText(_ row: TopRow) -> String {
        guard let all = row.channel.descriptorCount else { return "-" }
        return "\(row.channel.usedCount.map { "\($0)" } ?? "-")/\(all)"
    }
}

extension TopColumn: ExpressibleByArgument {
    init?(argument: String) {
        guard let column = Self.all.first(where: { $0.title.lowercased() == argument.lowercased() }) else { return nil }
        self = column
    }

    static var allValueStrings: [String] { all.map { $0.title.lowercased() } }
    var defaultValueDescription: String { title.lowercased() }
}

/// The order of the rows of `top`.
struct TopOrder: Sendable {
    /// `nil`: the target's order, that of processes and devices.
    var column: TopColumn?
    var isReversed = false

    /// Rows with trouble first, then by the column; rows that are equal keep their order.
    func sorted(_ rows: [TopRow]) -> [TopRow] {
        let falls = (column?.fallsFirst ?? false) != isReversed
        let keys = rows.enumerated().map { number, row in
            (row, row.trouble?.rawValue ?? .max, column?.order(row) ?? .number(Double(number)), number)
        }
        return keys.sorted { left, right in
            if left.1 != right.1 { return left.1 < right.1 }
            return left.2 == right.2 ? left.3 < right.3 : falls ? left.2 > right.2 : left.2 < right.2
        }.map(\.0)
    }
}
