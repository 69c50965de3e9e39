import Glibc
import LinuxSystem
import Synchronization
import SystemPackage

/// SIGINT and SIGTERM as a request for an orderly end. After the first one, the next ends the process immediately.
///
/// Create it before any other thread exists: it blocks the signals, and new threads inherit the mask.
final class Termination: Sendable {
    private let received = Atomic<CInt>(0)

    init() {
        var signals = Self.signals
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Waits for the first signal.
    func wait() {
        var signals = Self.signals
        var number: CInt = 0
        while sigwait(&signals, &number) != 0 {}
        record(number)
    }

    /// Waits for the first signal until the deadline; returns whether it was received.
    func wait(until deadline: MonotonicTime) -> Bool {
        var signals = Self.signals
        let result = systemCall {
            let left = deadline.nanoseconds(since: .now)
            var time = timespec(tv_sec: Int(left / 1_000_000_000), tv_nsec: Int(left % 1_000_000_000))
            return sigtimedwait(&signals, nil, &time)
        }
        guard case .success(let number) = result else { return false }
        record(number)
        return true
    }

    /// The exit status if a signal was received, else `nil`. Does not wait.
    func poll() -> ExitStatus? {
        var signals = Self.signals
        var immediately = timespec()
        if received.load(ordering: .relaxed) == 0,
            case .success(let number) = systemCall({ sigtimedwait(&signals, nil, &immediately) })
        {
            record(number)
        }
        switch received.load(ordering: .relaxed) {
        case 0: return nil
        case SIGTERM: return .terminated
        default: return .interrupted
        }
    }

    /// Stores the signal. From now on the next one ends the process, even if it was ignored before: the calling thread
    /// has the signals unblocked, with their default action.
    private func record(_ number: CInt) {
        received.store(number, ordering: .relaxed)
        signal(SIGINT, SIG_DFL)
        signal(SIGTERM, SIG_DFL)
        var signals = Self.signals
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    private static var signals: sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        return signals
    }
}
