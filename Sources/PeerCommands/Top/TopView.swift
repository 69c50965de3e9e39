import CommandSupport

/// The state of the live table: takes readings and keys, returns lines of text.
struct TopView {
    /// What the program has to do after a key.
    enum Request: Equatable {
        case quit, suspend, newInterval, newScope
    }

    /// The number of lines of the screen.
    var height = 24
    /// Time between readings, in seconds.
    private(set) var interval: Double
    private(set) var isPaused = false
    private(set) var showsHelp = false
    /// Whether every process is shown, not only the target.
    private(set) var showsAll: Bool
    private(set) var filter: String
    /// Whether keys are the text of the filter.
    private(set) var isTyping = false
    private var order: TopOrder
    /// The first row that is shown.
    private var offset = 0
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

    /// A line of the screen, and how it is emphasised on a terminal with colours.
    private struct Line {
        enum Style { case plain, bold, bad(TopRow.Trouble) }

        let text: String
        var style = Style.plain
    }

    /// The intervals that + and - select, in seconds.
    private static let intervals = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60]
    /// The lines above the rows, and below them.
    private static let otherLines = 5

    /// - Parameter place: the path of the target's socket.
    init(
        place: String, interval: Double, order: TopOrder = TopOrder(), filter: String = "", showsAll: Bool = false
    ) {
        self.place = place
        self.interval = interval
        self.order = order
        self.filter = filter
        self.showsAll = showsAll
    }

    mutating func take(_ reading: TopReading) {
        // Of what was shown before the last change between one process and all.
        guard reading.isOfAll == showsAll else { return }
        unavailability = nil
        latest = Pair(reading: reading, previous: latest?.reading)
        if !isPaused { shown = latest }
    }

    /// Stores why the target does not answer, until the next reading.
    mutating func takeUnavailability(_ reason: String) {
        unavailability = reason
    }

    // MARK: Keys

    mutating func press(_ key: TopKey) -> Request? {
        if isTyping {
            type(key)
            return key == .character("\u{3}") ? .quit : key == .character("\u{1A}") ? .suspend : nil
        }
        switch TopCommand.action(of: key) {
        case nil: break
        case .quit?: return .quit
        case .suspend?: return .suspend
        case .help?: showsHelp.toggle()
        case .pause?:
            isPaused.toggle()
            if !isPaused { shown = latest }
        case .sort?:
            let columns = TopColumn.columns(ofAll: showsAll)
            let next = order.column.flatMap { columns.firstIndex(of: $0) }.map { $0 + 1 } ?? 0
            order = TopOrder(column: next < columns.count ? columns[next] : nil)
        case .reverse?: order.isReversed.toggle()
        case .filter?:
            isTyping = true
            showsHelp = false
        case .clearFilter?:
            filter = ""
            showsHelp = false
        case .toggleAll?:
            showsAll.toggle()
            (latest, shown, offset, unavailability) = (nil, nil, 0, nil)
            return .newScope
        case .slower?: return change(to: Self.intervals.first { $0 > interval })
        case .faster?: return change(to: Self.intervals.last { $0 < interval })
        case .down?: scroll(by: 1)
        case .up?: scroll(by: -1)
        case .pageDown?: scroll(by: max(1, room - 1))
        case .pageUp?: scroll(by: -max(1, room - 1))
        case .first?: scroll(by: -.max / 2)
        case .last?: scroll(by: .max / 2)
        }
        return nil
    }

    private mutating func type(_ key: TopKey) {
        switch key {
        case .enter: isTyping = false
        case .escape: (isTyping, filter) = (false, "")
        case .backspace: _ = filter.popLast()
        case .character(let character) where !character.unicodeScalars.contains { $0.value < 32 }:
            filter.append(character)
        default: break
        }
        offset = 0
    }

    private mutating func scroll(by lines: Int) {
        let count = showsHelp ? Self.help.count : body(width: .max).lines.count
        offset = min(max(firstLine(of: count) + lines, 0), lastOffset(of: count))
    }

    private mutating func change(to interval: Double?) -> Request? {
        guard let interval else { return nil }
        self.interval = interval
        return .newInterval
    }

    /// The lines for rows.
    private var room: Int { max(0, height - Self.otherLines) }

    /// With more rows than lines, one line says which are shown.
    private func lastOffset(of count: Int) -> Int { count <= room ? 0 : count - max(0, room - 1) }
    private func firstLine(of count: Int) -> Int { min(offset, lastOffset(of: count)) }

    // MARK: Text

    /// The screen: at most `height` lines of at most `width` characters, escape sequences for colours not counted.
    func lines(width: Int, color: Bool) -> [String] {
        var lines = [Line(text: title), summary, Line(text: "")]
        let (header, all) = showsHelp ? ("", Self.help.map { Line(text: $0) }) : body(width: width)
        if !showsHelp { lines.append(Line(text: header, style: .bold)) }
        if all.count <= room {
            lines += all
        } else {
            let first = firstLine(of: all.count)
            let part = all[first...].prefix(max(0, room - 1))
            lines += part + [Line(text: "… \(first + 1) to \(first + part.count) of \(all.count), arrow keys scroll")]
        }
        let padding = max(0, height - 1 - lines.count)
        let empty = Array(repeating: Line(text: ""), count: padding)
        lines = lines.prefix(max(0, height - 1)) + empty + [Line(text: keys)]
        return lines.prefix(height).map { line in
            let text = String(line.text.prefix(width))
            guard color else { return text }
            return switch line.style {
            case .plain: text
            case .bold: TextTable.bold(text)
            case .bad(let trouble): trouble.colored(text)
            }
        }
    }

    /// The titles, and a line for each source that cannot be read and each row.
    private func body(width: Int) -> (header: String, lines: [Line]) {
        guard let shown else { return ("", []) }
        let rows = shown.reading.rows(since: shown.previous, filter, order)
        let table = TopTable(
            rows, columns: TopColumn.columns(ofAll: showsAll), width: width == .max ? nil : width, sort: order.column)
        let failures = shown.reading.failures.filter { filter.isEmpty || $0.text.contains(filter) }
        let lines =
            failures.map { Line(text: $0.text, style: .bad(.stuck)) }
            + table.lines.map { line in Line(text: line.text, style: line.trouble.map { .bad($0) } ?? .plain) }
        if !lines.isEmpty { return (table.header, lines) }
        let why =
            filter.isEmpty
            ? showsAll
                ? "No process with DMA devices: start `dmascope serve` or a DPDK application."
                : "No channels: the application has not configured a device."
            : "No row contains \"\(StandardStreams.printable(filter))\": Esc shows all."
        return (table.header, [Line(text: why)])
    }

    private var title: String {
        var parts = ["every \(Self.text(interval))"]
        if !showsAll { parts.insert(StandardStreams.printable(place), at: 0) }
        if let reading = shown?.reading {
            let time = LocalTime.text(seconds: reading.wallClock / 1_000_000_000, format: "%H:%M:%S")
            parts = [time, reading.originText] + parts
        }
        return (parts + (isPaused ? ["PAUSED"] : [])).joined(separator: "  ")
    }

    private var summary: Line {
        if let unavailability {
            return Line(
                text: "the target does not answer, trying again: \(StandardStreams.printable(unavailability))",
                style: .bad(.stuck))
        }
        guard let shown else { return Line(text: "waiting for the first reading") }
        let rows = TopRow.rows(of: shown.reading, since: shown.previous)
        let rates = [
            TopRow.total(.completed, of: rows).map { "\(Quantity.count($0)) ops/s" },
            TopRow.total(.bytes, of: rows).map { "\(Quantity.bytes($0))/s" },
            TopRow.total(.errors, of: rows).map { "\(Quantity.count($0)) errors/s" },
        ].compactMap { $0 }
        let unread = shown.reading.failures.isEmpty ? [] : ["\(shown.reading.failures.count) not readable"]
        let worst = unread.isEmpty ? rows.compactMap(\.trouble).min { $0.rawValue < $1.rawValue } : .stuck
        return Line(
            text: ([shown.reading.size] + unread + TopRow.troubles(of: rows) + rates).joined(separator: ", "),
            style: worst.map { .bad($0) } ?? .plain)
    }

    private var keys: String {
        if isTyping { return "/\(StandardStreams.printable(filter))_  Enter ends the text, Esc shows all rows" }
        let sort = order.column.map { "\($0.title) \($0.fallsFirst != order.isReversed ? "descending" : "ascending")" }
        let filter = filter.isEmpty ? "filter" : "\"\(StandardStreams.printable(filter))\""
        return "q quit  ? \(showsHelp ? "back" : "help")  / \(filter)  s sort: \(sort ?? "none")  "
            + "p \(isPaused ? "resume" : "pause")  a \(showsAll ? "one" : "all")"
    }

    private static let help: [String] = {
        let width = TopColumn.all.map(\.title.count).max() ?? 0
        let columns = TopColumn.all.map { column in
            "  \(column.title)\(String(repeating: " ", count: width - column.title.count))  \(column.meaning)"
        }
        return TopCommand.help + [""] + columns + [
            "", "Channels that are halted, stuck or failing now are first. - means: not reported.",
            "Columns that do not fit are left out, the least important ones first.",
        ]
    }()

    private static func text(_ seconds: Double) -> String {
        "\(decimal(seconds, places: seconds == seconds.rounded() ? 0 : 1)) s"
    }
}

extension TopFailure {
    /// A line about it.
    fileprivate var text: String {
        "\(StandardStreams.printable(name)): \(verdict): \(StandardStreams.printable(reason))"
    }
}

extension TopReading {
    /// The number of devices and channels.
    var size: String {
        "\(deviceCount) \(deviceCount == 1 ? "device" : "devices"), "
            + "\(channels.count) \(channels.count == 1 ? "channel" : "channels")"
    }

    fileprivate var originText: String {
        switch origin {
        case .process(let version, let pid): "\(StandardStreams.printable(version)), pid \(pid)"
        case .all(let count, _): "\(count) \(count == 1 ? "process" : "processes")"
        }
    }

    /// The reading as text: a line with time and process, then a table.
    func text(since previous: TopReading?, filter: String, order: TopOrder, color: Bool) -> String {
        let time = LocalTime.text(seconds: wallClock / 1_000_000_000, format: "%Y-%m-%d %H:%M:%S")
        let table = TopTable(
            rows(since: previous, filter, order), columns: TopColumn.columns(ofAll: isOfAll), width: nil, sort: nil)
        let lines =
            ["\(time)  \(originText): \(size)"] + failures.map(\.text)
            + [color ? TextTable.bold(table.header) : table.header]
            + table.lines.map { color ? $0.trouble?.colored($0.text) ?? $0.text : $0.text }
        return lines.joined(separator: "\n") + "\n"
    }
}
