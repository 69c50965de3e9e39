import CommandSupport
import Glibc
import LinuxSystem
import Synchronization
import SystemPackage

/// Ends the process with the state unknown, and a line on standard output, if a check takes too long.
final class CheckTimeout: Sendable {
    private let isOver = Atomic(false)

    /// Starts a thread that waits.
    init(seconds: Double, end: @escaping @Sendable (CheckReport) -> Void) throws(Failure) {
        let moment = MonotonicTime.now.advanced(by: .seconds(seconds))
        do throws(Errno) {
            try SystemThread.start(name: "timeout") { [self] in
                Pause.until(moment)
                guard claim() else { return }
                let limit = seconds == seconds.rounded() ? "\(Int(seconds))" : "\(seconds)"
                end(CheckReport(state: .unknown, sentence: "no result within \(limit) s: see --timeout"))
                // Whatever the other thread waits for, it must not delay the end.
                _exit(CheckState.unknown.rawValue)
            }.detach()
        } catch {
            throw Failure("cannot start a thread: \(error): end other processes")
        }
    }

    /// Whether the caller may print its result; of all callers, one may.
    func claim() -> Bool { !isOver.exchange(true, ordering: .relaxed) }
}
