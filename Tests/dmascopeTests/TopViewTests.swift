import CommandSupport
import DMADev
import LinuxSystem
import TestSupport
import Testing

@testable import PeerCommands

/// Readings and keys in, rows and lines out: no process, no terminal.
@Suite struct TopViewTests {
    /// A reading `second` seconds after the start, of channels with so many operations done.
    static func reading(_ second: UInt64, _ counts: [UInt64], pid: Int64 = 7) -> TopReading {
        TopReading(
            time: MonotonicTime(nanoseconds: 1_000_000_000 * (100 + second)), wallClock: second * 1_000_000_000,
            origin: .process(version: "test", pid: pid), deviceCount: 1,
            channels: counts.enumerated().map { index, count in
                TopChannel(
                    key: TopChannel.Key(device: 0, name: "dma0", vchan: Int64(index)), state: "idle",
                    descriptorCount: 64, usedCount: UInt64(index),
                    counters: [.completed: count, .bytes: count * 1024, .errors: 0],
                    latency: Latency(buckets: [Latency.Bucket(upperBound: 512, count: count)], sum: count * 300))
            })
    }

    static func view(_ readings: [TopReading]) -> TopView {
        var view = TopView(place: "/socket", interval: 1)
        for reading in readings { view.take(reading) }
        return view
    }

    /// The channels in the order in which they are shown.
    static func order(_ view: TopView) -> [Substring] {
        view.lines(width: 200, color: false).dropFirst(4).map { $0.split(separator: " ") }
            .filter { $0.count > 2 && $0[1] == "dma0" }.map { $0[2] }
    }

    // MARK: Rows

    @Test func ratesAreDifferencesBetweenTwoReadings() throws {
        let rows = TopRow.rows(of: Self.reading(4, [500, 30]), since: Self.reading(2, [100, 30]))
        #expect(rows[0].rates[.completed] == 200)
        #expect(rows[0].deltas[.bytes] == 400 * 1024)
        #expect(rows[0].latency?.count == 400)
        #expect(rows[1].rates[.completed] == 0)
        #expect(rows[1].latency?.percentile(0.5) == nil)
        #expect(rows[0].rates[.doorbells] == nil)
        #expect(TopRow.total(.completed, of: rows) == 200)
        #expect(TopRow.total(.doorbells, of: rows) == nil)
    }

    @Test func thereAreNoRatesWithoutAReadingBefore() {
        #expect(TopRow.rows(of: Self.reading(1, [5]), since: nil)[0].rates.isEmpty)
        // Another process, with counters of its own.
        #expect(TopRow.rows(of: Self.reading(1, [5], pid: 8), since: Self.reading(0, [1]))[0].rates.isEmpty)
        // A channel that is new, and one that somebody has set to 0.
        let rows = TopRow.rows(of: Self.reading(1, [5, 6]), since: Self.reading(0, [9]))
        #expect(rows[0].rates == [.errors: 0])
        #expect(rows[1].rates.isEmpty)
    }

    @Test func histogramsAreSubtractedByBound() {
        func latency(_ buckets: [(UInt64?, UInt64)], sum: UInt64) -> Latency {
            Latency(buckets: buckets.map { Latency.Bucket(upperBound: $0.0, count: $0.1) }, sum: sum)
        }
        let before = latency([(64, 10), (512, 1)], sum: 1000)
        let after = latency([(64, 10), (256, 3), (512, 2), (nil, 1)], sum: 4000)
        #expect(after.since(before) == latency([(64, 0), (256, 3), (512, 1), (nil, 1)], sum: 3000))
        #expect(after.since(before).percentile(0.5) == 256)
        #expect(
            Latency.total(of: [before, after]) == latency([(64, 20), (256, 3), (512, 3), (nil, 1)], sum: 5000))
    }

    // MARK: Lines

    @Test func theScreenIsNeverLeft() {
        var view = Self.view([Self.reading(0, Array(repeating: 1, count: 50)), Self.reading(1, Array(1...50))])
        for height in 1...70 {
            view.height = height
            for width in [1, 20, 80, 200] {
                let lines = view.lines(width: width, color: false)
                #expect(lines.count == height)
                #expect(lines.allSatisfy { $0.count <= width })
            }
        }
        view.height = 24
        #expect(view.lines(width: 80, color: false).contains { $0.hasPrefix("… 1 to 18 of 50") })
        #expect(Self.order(view) == (0..<18).map { "\($0)" })
        view.height = 60
        #expect(view.lines(width: 80, color: false).allSatisfy { !$0.contains(" of 50") })
    }

    @Test func keysScrollToEveryRow() {
        var view = Self.view([Self.reading(0, Array(repeating: 1, count: 50))])
        func press(_ keys: TopKey...) -> (first: Substring?, count: Int) {
            for key in keys { #expect(view.press(key) == nil) }
            return (Self.order(view).first, Self.order(view).count)
        }
        #expect(press(.down, .character("j")) == ("2", 18))
        #expect(press(.up) == ("1", 18))
        #expect(press(.pageDown) == ("19", 18))
        #expect(press(.pageDown, .pageDown, .pageDown) == ("32", 18))
        #expect(view.lines(width: 80, color: false).contains { $0.hasPrefix("… 33 to 50 of 50") })
        #expect(press(.character("k")) == ("31", 18))
        #expect(press(.home) == ("0", 18))
        #expect(press(.character("G")) == ("32", 18))
        // Fewer channels than before.
        view.take(Self.reading(1, [1, 1]))
        #expect(press() == ("0", 2))
        #expect(press(.pageUp, .up) == ("0", 2))
    }

    /// The titles at a width.
    private static func titles(_ width: Int, _ readings: [TopReading], sort: TopColumn? = nil) -> [Substring] {
        var view = TopView(place: "/socket", interval: 1, order: TopOrder(column: sort))
        for reading in readings { view.take(reading) }
        return view.lines(width: width, color: false)[3].split(separator: " ")
    }

    @Test func theLessImportantColumnsGoFirst() {
        let busy = [Self.reading(0, [0, 5]), Self.reading(1, [20_123_456, 1_234_567])]
        #expect(
            Self.titles(80, busy) == ["NAME", "VCHAN", "STATE", "OPS/S", "BYTES/S", "P50", "P99", "OPS", "ERRORS"])
        #expect(Self.titles(60, busy) == ["NAME", "VCHAN", "STATE", "OPS/S", "P50", "P99", "ERRORS"])
        #expect(Self.titles(132, busy) == TopColumn.columns(ofAll: false).map { $0.title[...] })
        #expect(Self.titles(40, busy) == ["NAME", "VCHAN", "STATE", "OPS/S", "ERRORS"])
        // What is sorted by is seen.
        let bells = TopColumn.all.first { $0.title == "BELLS/S" }
        #expect(Self.titles(60, busy, sort: bells).contains("BELLS/S"))
        // The same before there are rates: columns do not come and go.
        #expect(Self.titles(80, [busy[0]]) == Self.titles(80, busy))
        let long = TopReading(
            time: .now, wallClock: 0, origin: .process(version: "test", pid: 7), deviceCount: 1,
            channels: [TopChannel(key: .init(device: 0, name: String(repeating: "n", count: 60), vchan: 0))])
        #expect(Self.titles(80, [long]).contains("ERRORS"))
    }

    @Test func aFilterShowsSomeRows() {
        var view = Self.view([Self.reading(0, [0, 1, 2])])
        func type(_ text: String) { for key in TopKey.keys(in: Array(text.utf8)) { #expect(view.press(key) == nil) } }
        type("/q")
        #expect(view.lines(width: 80, color: false).last?.hasPrefix("/q_") == true)
        #expect(view.lines(width: 80, color: false)[4] == "No row contains \"q\": Esc shows all.")
        type("\u{7F}IDLE\r")
        #expect(Self.order(view) == ["0", "1", "2"])
        #expect(view.lines(width: 80, color: false).last?.contains("/ \"IDLE\"") == true)
        type("/x")
        #expect(Self.order(view).isEmpty)
        type("\u{1B}")
        #expect(Self.order(view) == ["0", "1", "2"] && view.filter == "")
        type("/")
        #expect(view.press(.character("\u{3}")) == .quit)
    }

    @Test func aReadingOfAllHasProcessesAndFailures() {
        func channel(_ process: String, _ state: String) -> TopChannel {
            TopChannel(
                key: .init(
                    device: 0, name: "dma0", vchan: 0, process: .init(name: process, path: "/\(process)", pid: 1)),
                state: state)
        }
        let reading = TopReading(
            time: .now, wallClock: 0,
            origin: .all(count: 2, failures: [TopFailure(name: "shut", verdict: "not permitted", reason: "mode 0600")]),
            deviceCount: 2, channels: [channel("app2", "idle"), channel("app10", "stuck")])
        var view = TopView(place: "/socket", interval: 1, showsAll: true)
        view.take(reading)
        var lines = view.lines(width: 80, color: false)
        #expect(
            lines[0].contains("2 processes") && lines[1].hasPrefix("2 devices, 2 channels, 1 not readable, 1 stuck"))
        #expect(lines[3].hasPrefix("PROCESS"))
        #expect(lines[4] == "shut: not permitted: mode 0600")
        #expect(lines[5].hasPrefix("app10") && lines[6].hasPrefix("app2"))
        // A reading of before the key does not count.
        #expect(view.press(.character("a")) == .newScope && !view.showsAll)
        view.take(reading)
        lines = view.lines(width: 80, color: false)
        #expect(lines[1] == "waiting for the first reading")
    }

    @Test func namesAreInTheOrderOfTheirNumbers() {
        let names = ["dma10", "dma2", "a", "dma2b", "dma1:0", "", "dma02"]
        #expect(
            names.sorted { NaturalText($0) < NaturalText($1) } == [
                "", "a", "dma1:0", "dma02", "dma2", "dma2b", "dma10",
            ])
    }

    @Test func coloursAreForTitlesAndTroubleAndOnlyWhenAskedFor() {
        var channels = Self.reading(1, [1, 1, 1]).channels
        channels[1].state = "stuck"
        channels[2].counters[.errors] = 7
        let later = TopReading(
            time: MonotonicTime(nanoseconds: 101_000_000_000), wallClock: 0, origin: .process(version: "test", pid: 7),
            deviceCount: 1, channels: channels)
        let view = Self.view([Self.reading(0, [1, 1, 1]), later])
        #expect(view.lines(width: 80, color: false).allSatisfy { !$0.contains("\u{1B}") })
        let lines = view.lines(width: 80, color: true)
        let colored = lines.indices.filter { lines[$0].contains("\u{1B}") }
        #expect(colored == [1, 3, 4, 5])
        #expect(lines[3].hasPrefix("\u{1B}[1mNAME") && lines[3].hasSuffix("\u{1B}[0m"))
        #expect(lines[4].hasPrefix("\u{1B}[31m") && lines[4].contains("stuck"))
        #expect(lines[5].hasPrefix("\u{1B}[33m") && lines[1].hasPrefix("\u{1B}[31m"))
    }

    @Test func whatATargetSaysSteersNoTerminal() {
        var view = TopView(place: "/\u{1B}[2J", interval: 1)
        view.takeUnavailability("\u{1B}[31m")
        #expect(view.lines(width: 80, color: false).allSatisfy { !$0.contains("\u{1B}") })
    }

    @Test func keysSortAndReverse() {
        var view = Self.view([Self.reading(0, [0, 0, 0]), Self.reading(1, [20, 90, 50])])
        func press(_ character: Character) { #expect(view.press(.character(character)) == nil) }
        #expect(Self.order(view) == ["0", "1", "2"])
        press("r")
        #expect(Self.order(view) == ["2", "1", "0"])
        for _ in 0..<5 { press("s") }
        #expect(view.lines(width: 80, color: false).last?.contains("sort: OPS/S descending") == true)
        #expect(Self.order(view) == ["1", "2", "0"])
        press("r")
        #expect(Self.order(view) == ["0", "2", "1"])
    }

    @Test func troubleIsFirst() {
        func reading(_ second: UInt64, errors: UInt64) -> TopReading {
            var channels = Self.reading(second, [0, 1, 2, 3]).channels
            channels[1].counters[.errors] = errors
            channels[2].state = "stuck"
            channels[3].state = "halted"
            return TopReading(
                time: MonotonicTime(nanoseconds: 1_000_000_000 * (100 + second)), wallClock: 0,
                origin: .process(version: "test", pid: 7), deviceCount: 1, channels: channels)
        }
        var view = Self.view([reading(0, errors: 1), reading(1, errors: 3)])
        #expect(Self.order(view) == ["3", "2", "1", "0"])
        #expect(
            view.lines(width: 120, color: false)[1].hasPrefix(
                "1 device, 4 channels, 1 halted, 1 stuck, 1 failing"))
        // It fails no longer.
        view.take(reading(2, errors: 3))
        #expect(Self.order(view) == ["3", "2", "0", "1"])
    }

    @Test func everyColumnHasItsTurn() {
        var view = Self.view([Self.reading(0, [1])])
        var columns: Set<String> = []
        for _ in 0...TopColumn.all.count {
            let keys = view.lines(width: 200, color: false).last ?? ""
            columns.formUnion(TopColumn.all.map(\.title).filter { keys.contains("sort: \($0) ") })
            _ = view.press(.character("s"))
        }
        #expect(columns == Set(TopColumn.columns(ofAll: false).map(\.title)))
    }

    @Test func aPauseHoldsTheScreenAndThenShowsTheLatest() {
        var view = Self.view([Self.reading(0, [0]), Self.reading(1, [10])])
        let before = view.lines(width: 80, color: false)[1]
        _ = view.press(.character("p"))
        view.take(Self.reading(2, [10]))
        view.take(Self.reading(3, [40]))
        #expect(view.lines(width: 200, color: false)[0].hasSuffix("PAUSED"))
        #expect(view.lines(width: 80, color: false)[1] == before)
        _ = view.press(.character("p"))
        #expect(view.lines(width: 80, color: false)[1].contains("30 ops/s"))
    }

    @Test func theIntervalHasSteps() {
        var view = Self.view([])
        #expect(view.press(.character("-")) == .newInterval && view.interval == 0.5)
        #expect(view.press(.character("+")) == .newInterval && view.interval == 1)
        for _ in 0..<20 { _ = view.press(.character("+")) }
        #expect(view.interval == 60 && view.press(.character("+")) == nil)
        #expect(view.press(.character("q")) == .quit && view.press(.character("\u{1A}")) == .suspend)
    }

    @Test func helpExplainsEveryKeyAndColumn() {
        var view = Self.view([Self.reading(0, [1])])
        _ = view.press(.character("?"))
        view.height = 60
        let lines = view.lines(width: 200, color: false)
        for command in TopCommand.all where !command.title.isEmpty {
            #expect(lines.contains { $0.hasPrefix("  \(command.title)  ") && $0.hasSuffix("  \(command.meaning)") })
        }
        for column in TopColumn.all { #expect(lines.contains { $0.contains("  \(column.meaning)") }) }
        _ = view.press(.character("?"))
        #expect(Self.order(view) == ["0"])
    }

    @Test func aTargetThatIsGoneIsSaidUntilItIsBack() {
        var view = Self.view([Self.reading(0, [1])])
        view.takeUnavailability("nobody there")
        #expect(
            view.lines(width: 80, color: false)[1]
                == "the target does not answer, trying again: nobody there")
        view.take(Self.reading(1, [1]))
        #expect(view.lines(width: 80, color: false)[1].hasPrefix("1 device, 1 channel"))
    }

    // MARK: Keys and numbers

    @Test(arguments: [
        ("q", [TopKey.character("q")]), ("\u{3}", [.character("\u{3}")]), ("é?", [.character("é"), .character("?")]),
        ("\u{1B}[A\u{1B}OBr", [.up, .down, .character("r")]), ("\u{1B}[5~\u{1B}[6~", [.pageUp, .pageDown]),
        ("\u{1B}[H\u{1B}[4~", [.home, .end]), ("\u{1B}[1;5qr", [.character("r")]), ("\u{1B}OPx", [.character("x")]),
        ("\r\n", [.enter, .enter]), ("\u{7F}", [.backspace]), ("\u{1B}", [.escape]),
        ("\u{1B}\u{1B}", [.escape, .escape]),
    ])
    func keysAreTold(bytes: String, keys: [TopKey]) {
        #expect(TopKey.keys(in: Array(bytes.utf8)) == keys)
    }

    @Test func noKeyHasTwoMeanings() {
        let keys = TopCommand.all.flatMap(\.keys)
        #expect(Set(keys).count == keys.count)
    }

    @Test func numbersAreShort() {
        let counts: [(Double, String)] = [
            (0, "0"), (0.4, "0.40"), (9.99, "9.99"), (9.999, "10"), (12.4, "12"), (999, "999"), (999.6, "1.00 k"),
            (12345, "12.3 k"), (999_600, "1.00 M"), (2e6, "2 M"), (1.2e9, "1.20 G"), (99_960, "100 k"),
            (3e18, "3000 P"),
        ]
        for (number, text) in counts { #expect(Quantity.count(number) == text) }
        let times: [(Double, String)] = [
            (512, "512 ns"), (8.25, "8.25 ns"), (1280, "1.28 µs"), (999_700, "1.00 ms"), (3e9, "3 s"),
            (5e13, "50000 s"),
        ]
        for (nanoseconds, text) in times { #expect(Quantity.time(nanoseconds: nanoseconds) == text) }
        let sizes: [(Double, String)] = [
            (0.4, "0 B"), (1023, "1023 B"), (1023.7, "1.00 KiB"), (1024, "1 KiB"), (1_047_000, "1022 KiB"),
            (3_145_728, "3 MiB"), (1_610_612_736, "1.50 GiB"),
        ]
        for (bytes, text) in sizes { #expect(Quantity.bytes(bytes) == text) }
    }
}
