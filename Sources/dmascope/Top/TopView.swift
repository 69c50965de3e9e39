/// The state of the live table: takes readings and keys, returns lines of text.
struct TopView {
    /// What the program has to do after a key.
    enum Request: Equatable {
        case quit, suspend, newInterval
    }

    /// Time between readings, in seconds.
    private(set) var interval: Double
    private(set) var isPaused = false
    private(set) var showsHelp = false
    private var sortColumn = 0
    private var isReversed = false
    /// Why the target does not answer; `nil` if it does.
    private var unavailability: String?
    private var latest: Pair?
    private var shown: Pair?
    private let place: String

    /// A reading and the previous one.
    private struct Pair {
        let reading: TopReading
        let previous: TopReading?
    }

    /// The intervals that + and - select, in seconds.
    private static let intervals = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60]

    /// - Parameter place: the path of the target's socket.
    init(place: String, interval: Double) {
        self.place = place
        self.interval = interval
    }

    mutating func take(_ reading: TopReading) {
        unavailability = nil
        latest = Pair(reading: reading, previous: latest?.reading)
        if !isPaused { shown = latest }
    }

    /// Stores why the target does not answer, until the next reading.
    mutating func takeUnavailability(_ reason: String) {
        unavailability = reason
    }

    mutating func press(_ key: TopKey) -> Request? {
        switch key {
        case .quit: return .quit
        case .suspend: return .suspend
        case .pause:
            isPaused.toggle()
            if !isPaused { shown = latest }
        case .sort:
            sortColumn = (sortColumn + 1) % TopColumn.all.count
            isReversed = false
        case .reverse: isReversed.toggle()
        case .slower: return change(to: Self.intervals.first { $0 > interval })
        case .faster: return change(to: Self.intervals.last { $0 < interval })
        case .help: showsHelp.toggle()
        }
        return nil
    }

    private mutating func change(to interval: Double?) -> Request? {
        guard let interval else { return nil }
        self.interval = interval
        return .newInterval
    }

    // MARK: Text

    /// The screen: at most `height` lines of at most `width` characters, escape sequences for bold not counted.
    func lines(width: Int, height: Int, bold: Bool) -> [String] {
        var lines = [title, summary, ""]
        var boldLine: Int?
        if showsHelp {
            lines += Self.help
        } else {
            boldLine = lines.count
            let table = TopColumn.table(rows)
            let room = max(0, height - lines.count - 2)
            let body = table.lines
            lines.append(table.header)
            if body.count <= room {
                lines += body
            } else {
                lines += body.prefix(max(0, room - 1)) + ["… \(body.count - max(0, room - 1)) more"]
            }
        }
        let padding = max(0, height - 1 - lines.count)
        lines = lines.prefix(max(0, height - 1)) + Array(repeating: "", count: padding) + [keys]
        return lines.prefix(height).enumerated().map { number, line in
            let cut = String(line.prefix(width))
            return bold && number == boldLine ? TextTable.bold(cut) : cut
        }
    }

    /// The visible rows, those with trouble first, sorted.
    private var rows: [TopRow] {
        guard let shown else { return [] }
        let column = TopColumn.all[sortColumn]
        let falls = column.fallsFirst != isReversed
        // Rows with equal keys keep the target's order.
        return TopRow.rows(of: shown.reading, since: shown.previous).enumerated().sorted { left, right in
            let (bad, worse) = (left.element.trouble?.rawValue ?? .max, right.element.trouble?.rawValue ?? .max)
            if bad != worse { return bad < worse }
            let (first, second) = (column.order(left.element), column.order(right.element))
            return first == second ? left.offset < right.offset : falls ? first > second : first < second
        }.map(\.element)
    }

    private var title: String {
        var parts = [StandardStreams.printable(place), "every \(Self.text(interval))"]
        if let reading = shown?.reading {
            let time = LocalTime.text(seconds: reading.wallClock / 1_000_000_000, format: "%H:%M:%S")
            parts = [time, "\(StandardStreams.printable(reading.version)), pid \(reading.pid)"] + parts
        }
        return (parts + (isPaused ? ["PAUSED"] : [])).joined(separator: "  ")
    }

    private var summary: String {
        if let unavailability {
            return "the target does not answer, trying again: \(StandardStreams.printable(unavailability))"
        }
        guard let shown else { return "waiting for the first reading" }
        let rows = TopRow.rows(of: shown.reading, since: shown.previous)
        let rates = [
            TopRow.total(.completed, of: rows).map { "\(metric($0)) ops/s" },
            TopRow.total(.bytes, of: rows).map { "\(ByteCount.text($0))/s" },
            TopRow.total(.errors, of: rows).map { "\(metric($0)) errors/s" },
        ].compactMap { $0 }
        return ([shown.reading.size] + TopRow.troubles(of: rows) + rates).joined(separator: ", ")
    }

    private var keys: String {
        let column = TopColumn.all[sortColumn]
        let order = column.fallsFirst != isReversed ? "descending" : "ascending"
        return "q quit  p \(isPaused ? "resume" : "pause")  s sort: \(column.title) \(order)  r reverse  "
            + "+ - interval  ? \(showsHelp ? "back" : "help")"
    }

    private static let help: [String] = {
        let width = TopColumn.all.map(\.title.count).max() ?? 0
        let columns = TopColumn.all.map { column in
            "  \(column.title)\(String(repeating: " ", count: width - column.title.count))  \(column.meaning)"
        }
        return columns + [
            "", "s sorts by the next column, r reverses the order, + and - make the time between readings longer and",
            "shorter, p or the space bar pauses, q or Ctrl-C ends. Channels that are halted, stuck or failing now are first.",
            "- means: not reported by the target.",
        ]
    }()

    private static func text(_ seconds: Double) -> String {
        "\(decimal(seconds, places: seconds == seconds.rounded() ? 0 : 1)) s"
    }
}

extension TopReading {
    /// The number of devices and channels.
    var size: String {
        "\(deviceCount) \(deviceCount == 1 ? "device" : "devices"), "
            + "\(channels.count) \(channels.count == 1 ? "channel" : "channels")"
    }

    /// The reading as text: a line with time and process, then a table.
    func text(since previous: TopReading?, bold: Bool) -> String {
        let time = LocalTime.text(seconds: wallClock / 1_000_000_000, format: "%Y-%m-%d %H:%M:%S")
        let title = "\(time)  \(StandardStreams.printable(version)), pid \(pid): \(size)"
        return "\(title)\n\(TopColumn.table(TopRow.rows(of: self, since: previous)).text(bold: bold))\n"
    }
}
