import Glibc
import LinuxSystem
import Synchronization
import SystemPackage

/// SIGINT and SIGTERM as a request to end in good order. After the first one the next ends the process at once.
///
/// Make it before any other thread is there: the signals are blocked from then on, in all threads.
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
        note(number)
    }

    /// Waits for the first signal until a moment; says whether it came.
    func wait(until deadline: MonotonicTime) -> Bool {
        var signals = Self.signals
        let result = systemCall {
            let left = deadline.nanoseconds(since: .now)
            var time = timespec(tv_sec: Int(left / 1_000_000_000), tv_nsec: Int(left % 1_000_000_000))
            return sigtimedwait(&signals, nil, &time)
        }
        guard case .success(let number) = result else { return false }
        note(number)
        return true
    }

    /// The status to end with when a signal has come; looks, and does not wait.
    func poll() -> ExitStatus? {
        var signals = Self.signals
        var immediately = timespec()
        if received.load(ordering: .relaxed) == 0,
            case .success(let number) = systemCall({ sigtimedwait(&signals, nil, &immediately) })
        {
            note(number)
        }
        switch received.load(ordering: .relaxed) {
        case 0: return nil
        case SIGTERM: return .terminated
        default: return .interrupted
        }
    }

    /// From now on the calling thread takes the signals, and dies of them, whatever the process ignored before.
    private func note(_ number: CInt) {
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
