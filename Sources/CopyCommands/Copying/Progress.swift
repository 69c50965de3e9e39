import CommandSupport
import LinuxSystem

/// A progress line on standard error: bytes done, rate, time left. Nothing is shown without a terminal.
final class Progress {
    private let isShown: Bool
    private var stage = ""
    private var total = 0
    private var began = MonotonicTime.now
    private var next = MonotonicTime.now
    private var width = 0

    /// Time between two updates. A copy that takes less time shows nothing.
    private static let interval = Duration.milliseconds(200)

    init(isShown: Bool) {
        self.isShown = isShown
    }

    /// Starts a stage of `total` bytes.
    func begin(_ stage: String, of total: Int) {
        self.stage = stage
        self.total = total
        began = .now
        next = began.advanced(by: Self.interval)
    }

    /// Shows that `done` bytes of the stage are complete.
    func show(_ done: Int) {
        guard isShown else { return }
        let now = MonotonicTime.now
        guard now >= next else { return }
        next = now.advanced(by: Self.interval)
        let rate = Double(done) / (Double(now.nanoseconds(since: began)) / 1e9)
        let left = rate > 0 ? "\(Self.time(Double(total - done) / rate)) left" : "stalled"
        let share = total > 0 ? done * 100 / total : 100
        let part = "\(ByteCount(done).text) of \(ByteCount(total).text)"
        draw("\(stage) \(share) %  \(part)  \(Quantity.bytes(rate))/s  \(left)")
    }

    /// Erases the line.
    func clear() {
        guard width > 0 else { return }
        draw("")
        StandardStreams.show("\r")
    }

    /// Overwrites the line. Spaces cover a longer previous line, because not every terminal has an erase sequence.
    private func draw(_ line: String) {
        let text = line.prefix(StandardStreams.errorColumns - 1)
        let padding = String(repeating: " ", count: max(0, width - text.count))
        StandardStreams.show("\r\(text)\(padding)")
        width = text.count
    }

    private static func time(_ seconds: Double) -> String {
        let whole = Int(min(seconds.rounded(.up), 359_999))
        let (minutes, rest) = (whole / 60, whole % 60)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return minutes < 60 ? "\(minutes):\(two(rest))" : "\(minutes / 60):\(two(minutes % 60)):\(two(rest))"
    }
}
