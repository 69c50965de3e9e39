import Glibc
import LinuxSystem
import Synchronization
import SystemPackage

/// SIGINT, SIGTERM, SIGHUP and SIGQUIT as a request for an orderly end. After the first one, the next ends the process
/// immediately. A SIGHUP that was ignored when the program started, as by `nohup`, stays ignored.
///
/// Create it before any other thread exists: it blocks the signals, and new threads inherit the mask.
package final class Termination: Sendable {
    private let received = Atomic<CInt>(0)

    package init() {
        var signals = Self.signals
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Waits for the first signal.
    package func wait() {
        var signals = Self.signals
        var number: CInt = 0
        while sigwait(&signals, &number) != 0 {}
        record(number)
    }

    /// Waits for the first signal until the deadline; returns whether it was received.
    package func wait(until deadline: MonotonicTime) -> Bool {
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
    package func poll() -> ExitStatus? {
        var signals = Self.signals
        var immediately = timespec()
        if received.load(ordering: .relaxed) == 0,
            case .success(let number) = systemCall({ sigtimedwait(&signals, nil, &immediately) })
        {
            record(number)
        }
        switch received.load(ordering: .relaxed) {
        case 0: return nil
        case SIGINT: return .interrupted
        default: return .terminated
        }
    }

    /// Calls `body` for every signal from now on, in a thread of its own, also while the caller is blocked. It takes the
    /// place of ``wait()`` and ``poll()``.
    package func forEach(_ body: @escaping @Sendable (ExitStatus) -> Void) throws(Failure) {
        do throws(Errno) {
            try SystemThread.start(name: "signals") {
                var signals = Self.signals
                while true {
                    var number: CInt = 0
                    guard sigwait(&signals, &number) == 0 else { continue }
                    body(number == SIGINT ? .interrupted : .terminated)
                }
            }.detach()
        } catch {
            throw Failure("cannot wait for signals: \(error): end other processes")
        }
    }

    /// Stores the signal. From now on the next one ends the process, even if it was ignored before: the calling thread
    /// has the signals unblocked, with their default action.
    private func record(_ number: CInt) {
        received.store(number, ordering: .relaxed)
        var signals = Self.signals
        for number in Self.numbers where sigismember(&signals, number) == 1 { signal(number, SIG_DFL) }
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    private static let numbers = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    private static var signals: sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in numbers where number != SIGHUP || !hangUpIsIgnored { sigaddset(&signals, number) }
        return signals
    }

    /// Whether the program was started with SIGHUP ignored.
    static let hangUpIsIgnored: Bool = {
        var action = sigaction()
        sigaction(SIGHUP, nil, &action)
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1  // SIG_IGN
    }()
}
