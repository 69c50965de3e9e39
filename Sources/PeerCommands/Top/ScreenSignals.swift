import CommandSupport
import Glibc
import LinuxSystem
import Synchronization
import SystemPackage

/// The signals of a program with a screen, as a descriptor to poll: SIGINT, SIGTERM, SIGHUP and SIGQUIT request the end,
/// SIGWINCH a redraw, SIGTSTP the shell, and SIGCONT says that the process was stopped, by whatever signal. If the program
/// does not end, the next one of the four restores the screen and ends the process.
///
/// Create it before any other thread exists: it blocks the signals, and new threads inherit the mask.
final class ScreenSignals: Sendable {
    /// Readable after a signal was received.
    let ready: EventDescriptor
    private let isEndRequested = Atomic(false)
    private let isStopRequested = Atomic(false)
    private let wasStopped = Atomic(false)

    private static let ends = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    enum Request {
        /// End the program.
        case end
        /// Give the terminal to the shell and stop.
        case stop
        /// The process was stopped and continues: the shell has used the terminal meanwhile.
        case resume
    }

    init(for screen: TerminalScreen) throws(Failure) {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in Self.ends + [SIGWINCH, SIGTSTP, SIGCONT] { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        do throws(Errno) {
            ready = try EventDescriptor()
            try SystemThread.start(name: "signals") { [signals] in self.wait(for: signals, screen) }.detach()
        } catch {
            throw Failure("cannot wait for signals: \(error): end other processes")
        }
    }

    /// Resets ``ready`` and returns what was requested, the most urgent only.
    func drain() -> Request? {
        _ = ready.drain()
        let stops = isStopRequested.exchange(false, ordering: .relaxed)
        let resumes = wasStopped.exchange(false, ordering: .relaxed)
        return isEndRequested.load(ordering: .relaxed) ? .end : stops ? .stop : resumes ? .resume : nil
    }

    /// Stops the whole job, like the terminal driver, until it continues. In an orphaned process group, where no shell could
    /// continue it, there is no effect.
    static func stopJob() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGTSTP)
        // The signal is for all threads, and the calling one is the only one that does not block it.
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        kill(0, SIGTSTP)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    private func wait(for signals: sigset_t, _ screen: TerminalScreen) {
        var signals = signals
        while true {
            var number: CInt = 0
            guard sigwait(&signals, &number) == 0 else { continue }
            switch number {
            case SIGTSTP: isStopRequested.store(true, ordering: .relaxed)
            case SIGCONT: wasStopped.store(true, ordering: .relaxed)
            case SIGWINCH: break
            default:
                if isEndRequested.exchange(true, ordering: .relaxed) {
                    screen.leave()
                    _exit(128 + number)
                }
            }
            ready.signal()
        }
    }
}
