import DMADev
import LinuxSystem
import TestSupport
import Testing

@testable import dmascope

/// Readings and keys in, rows and lines out: no process, no terminal.
@Suite struct TopViewTests {
    /// A reading `second` seconds after the start, of channels with so many operations done.
    static func reading(_ second: UInt64, _ counts: [UInt64], pid: Int64 = 7) -> TopReading {
        TopReading(
            time: MonotonicTime(nanoseconds: 1_000_000_000 * (100 + second)), wallClock: second * 1_000_000_000,
            version: "test", pid: pid, deviceCount: 1,
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
        view.lines(width: 200, height: 24, bold: false).dropFirst(4).map { $0.split(separator: " ") }
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
        let view = Self.view([Self.reading(0, Array(repeating: 1, count: 50)), Self.reading(1, Array(1...50))])
        for height in 1...70 {
            for width in [1, 20, 80, 200] {
                let lines = view.lines(width: width, height: height, bold: false)
                #expect(lines.count == height)
                #expect(lines.allSatisfy { $0.count <= width })
            }
        }
        #expect(view.lines(width: 80, height: 24, bold: false).contains { $0.hasPrefix("… 32 more") })
        #expect(Self.order(view).count == 18)
        #expect(view.lines(width: 80, height: 60, bold: false).allSatisfy { !$0.contains("more") })
    }

    @Test func onlyTheTitlesAreBoldAndOnlyWhenAskedFor() {
        let view = Self.view([Self.reading(0, [1])])
        #expect(view.lines(width: 80, height: 24, bold: false).allSatisfy { !$0.contains("\u{1B}") })
        let bold = view.lines(width: 80, height: 24, bold: true).filter { $0.contains("\u{1B}") }
        #expect(bold.count == 1 && bold[0].contains("DEVICE") && bold[0].hasSuffix("\u{1B}[0m"))
    }

    @Test func whatATargetSaysSteersNoTerminal() {
        var view = TopView(place: "/\u{1B}[2J", interval: 1)
        view.takeUnavailability("\u{1B}[31m")
        #expect(view.lines(width: 80, height: 24, bold: false).allSatisfy { !$0.contains("\u{1B}") })
    }

    @Test func keysSortAndReverse() {
        var view = Self.view([Self.reading(0, [0, 0, 0]), Self.reading(1, [20, 90, 50])])
        #expect(Self.order(view) == ["0", "1", "2"])
        #expect(view.press(.reverse) == nil)
        #expect(Self.order(view) == ["2", "1", "0"] || Self.order(view) == ["0", "1", "2"])
        for _ in 0..<4 { _ = view.press(.sort) }
        #expect(view.lines(width: 80, height: 24, bold: false).last?.contains("sort: OPS/S descending") == true)
        #expect(Self.order(view) == ["1", "2", "0"])
        _ = view.press(.reverse)
        #expect(Self.order(view) == ["0", "2", "1"])
    }

    @Test func troubleIsFirst() {
        func reading(_ second: UInt64, errors: UInt64) -> TopReading {
            var channels = Self.reading(second, [0, 1, 2, 3]).channels
            channels[1].counters[.errors] = errors
            channels[2].state = "stuck"
            channels[3].state = "halted"
            return TopReading(
                time: MonotonicTime(nanoseconds: 1_000_000_000 * (100 + second)), wallClock: 0, version: "test", pid: 7,
                deviceCount: 1, channels: channels)
        }
        var view = Self.view([reading(0, errors: 1), reading(1, errors: 3)])
        #expect(Self.order(view) == ["3", "2", "1", "0"])
        #expect(
            view.lines(width: 120, height: 24, bold: false)[1].hasPrefix(
                "1 device, 4 channels, 1 halted, 1 stuck, 1 failing"))
        // It fails no longer.
        view.take(reading(2, errors: 3))
        #expect(Self.order(view) == ["3", "2", "0", "1"])
    }

    @Test func everyColumnHasItsTurn() {
        var view = Self.view([Self.reading(0, [1])])
        var columns: Set<String> = []
        for _ in TopColumn.all {
            let keys = view.lines(width: 200, height: 24, bold: false).last ?? ""
            columns.formUnion(TopColumn.all.map(\.title).filter { keys.contains("sort: \($0) ") })
            _ = view.press(.sort)
        }
        #expect(columns == Set(TopColumn.all.map(\.title)))
    }

    @Test func aPauseHoldsTheScreenAndThenShowsTheLatest() {
        var view = Self.view([Self.reading(0, [0]), Self.reading(1, [10])])
        let before = view.lines(width: 80, height: 24, bold: false)[1]
        _ = view.press(.pause)
        view.take(Self.reading(2, [10]))
        view.take(Self.reading(3, [40]))
        #expect(view.lines(width: 200, height: 24, bold: false)[0].hasSuffix("PAUSED"))
        #expect(view.lines(width: 80, height: 24, bold: false)[1] == before)
        _ = view.press(.pause)
        #expect(view.lines(width: 80, height: 24, bold: false)[1].contains("30 ops/s"))
    }

    @Test func theIntervalHasSteps() {
        var view = Self.view([])
        #expect(view.press(.faster) == .newInterval && view.interval == 0.5)
        #expect(view.press(.slower) == .newInterval && view.interval == 1)
        for _ in 0..<20 { _ = view.press(.slower) }
        #expect(view.interval == 60 && view.press(.slower) == nil)
        #expect(view.press(.quit) == .quit && view.press(.suspend) == .suspend)
    }

    @Test func helpExplainsEveryColumn() {
        var view = Self.view([Self.reading(0, [1])])
        _ = view.press(.help)
        let lines = view.lines(width: 200, height: 40, bold: false)
        for column in TopColumn.all { #expect(lines.contains { $0.contains("  \(column.meaning)") }) }
        _ = view.press(.help)
        #expect(Self.order(view) == ["0"])
    }

    @Test func aTargetThatIsGoneIsSaidUntilItIsBack() {
        var view = Self.view([Self.reading(0, [1])])
        view.takeUnavailability("nobody there")
        #expect(
            view.lines(width: 80, height: 24, bold: false)[1]
                == "the target does not answer, trying again: nobody there")
        view.take(Self.reading(1, [1]))
        #expect(view.lines(width: 80, height: 24, bold: false)[1].hasPrefix("1 device, 1 channel"))
    }

    // MARK: Keys and numbers

    @Test(arguments: [
        ("q", [TopKey.quit]), ("\u{03}", [.quit]), ("ps?", [.pause, .sort, .help]), ("+-", [.slower, .faster]),
        ("\u{1B}[A\u{1B}OPr", [.reverse]), ("\u{1B}[1;5qr", [.reverse]), ("xyz", []), ("\u{1B}", []),
    ])
    func keysAreTold(bytes: String, keys: [TopKey]) {
        #expect(TopKey.keys(in: Array(bytes.utf8)) == keys)
    }

    @Test func numbersAreShort() {
        let numbers: [(Double, String)] = [
            (0, "0"), (0.4, "0"), (999, "999"), (999.6, "1.00 k"), (12345, "12.3 k"), (999_600, "1.00 M"),
            (1.2e9, "1.20 G"),
        ]
        for (number, text) in numbers { #expect(metric(number) == text) }
        let times: [(Double, String)] = [
            (512, "512 ns"), (8.25, "8.25 ns"), (1280, "1.28 us"), (999_700, "1.00 ms"), (3e9, "3.00 s"),
            (5e13, "50000 s"),
        ]
        for (nanoseconds, text) in times { #expect(timeText(nanoseconds: nanoseconds) == text) }
    }
}
