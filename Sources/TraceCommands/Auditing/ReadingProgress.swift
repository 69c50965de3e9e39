import CommandSupport
import Glibc
import LinuxSystem
import TraceAnalysis

/// How many events were read, on a terminal while a trace is read.
final class ReadingProgress {
    private var last = MonotonicTime.now
    private var isShown = false

    /// Reads a trace with `body`, and shows the progress meanwhile. From now on, SIGINT, SIGTERM, SIGHUP and SIGQUIT end the
    /// process at once, with their exit status and a sentence, also while the result is printed.
    static func run<Result>(
        _ body: ((UInt64) -> Bool) throws(TraceError) -> Result
    ) throws(Failure) -> Result {
        try Termination().forEach { endProcess($0) }
        return try show(body)
    }

    /// The same without signals, for a command that has work to do after one.
    static func show<Result>(
        _ body: ((UInt64) -> Bool) throws(TraceError) -> Result
    ) throws(Failure) -> Result {
        let progress = ReadingProgress()
        defer { progress.end() }
        do {
            return try body(progress.update)
        } catch {
            throw Failure(sentence(error), status: error.code == .notFound ? .missing : .failure)
        }
    }

    /// The error, and what to do.
    private static func sentence(_ error: TraceError) -> String {
        let text = error.description
        // A session writes most of a trace's description when it stops.
        guard text.hasPrefix("cannot open the trace") else { return text }
        return
            "\(text.hasSuffix(".") ? String(text.dropLast()) : text): it is damaged, or still recorded, which `lttng list` "
            + "shows: `lttng stop`, or the end of `dmascope trace record`, completes it"
    }

    /// Ends the process after a signal.
    static func endProcess(_ status: ExitStatus) -> Never {
        if StandardStreams.errorIsTerminal { StandardStreams.show("\r\u{1B}[K") }
        StandardStreams.reportError(interruption(status).message)
        _exit(status.rawValue)
    }

    /// What is said after a signal.
    static func interruption(_ status: ExitStatus) -> Failure { Failure("interrupted by a signal", status: status) }

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
