import LinuxSystem
import TraceAnalysis

/// How many events were read, on a terminal while a trace is read.
final class ReadingProgress {
    private var last = MonotonicTime.now
    private var isShown = false

    /// Reads a trace with `body`, and shows the progress meanwhile.
    static func run<Result>(
        _ body: ((UInt64) -> Bool) throws(TraceError) -> Result
    ) throws(Failure) -> Result {
        let progress = ReadingProgress()
        defer { progress.end() }
        do {
            return try body(progress.update)
        } catch {
            throw Failure(error.description, status: error.code == .notFound ? .missing : .failure)
        }
    }

    /// Shows the number, at most ten times a second. Returns `true`: go on.
    private func update(_ eventCount: UInt64) -> Bool {
        guard StandardStreams.errorIsTerminal else { return true }
        let now = MonotonicTime.now
        guard now.nanoseconds - last.nanoseconds > 100_000_000 else { return true }
        last = now
        isShown = true
        StandardStreams.show("\r\(Quantity.count(Double(eventCount))) events\u{1B}[K")
        return true
    }

    private func end() {
        if isShown { StandardStreams.show("\r\u{1B}[K") }
        isShown = false
    }
}
