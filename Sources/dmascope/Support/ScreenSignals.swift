import Glibc
import LinuxSystem
import Synchronization
import SystemPackage

/// The signals of a program with a screen, as something to poll for: SIGINT and SIGTERM ask for the end, SIGWINCH for a
/// new drawing. When the end does not come, the next SIGINT or SIGTERM gives the screen back and ends the process.
///
/// Make it before any other thread is there: the signals are blocked from then on, in all threads.
final class ScreenSignals: Sendable {
    /// Readable when a signal has come.
    let ready: EventDescriptor
    private let isEndWanted = Atomic(false)

    init(for screen: TerminalScreen) throws(Failure) {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGWINCH] { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        do throws(Errno) {
            ready = try EventDescriptor()
            try SystemThread.start(name: "signals") { [signals] in self.wait(for: signals, screen) }.detach()
        } catch {
            throw Failure("cannot wait for signals: \(error): close other programs")
        }
    }

    /// Looks what has come: whether the end is asked for.
    func drain() -> Bool {
        _ = ready.drain()
        return isEndWanted.load(ordering: .relaxed)
    }

    private func wait(for signals: sigset_t, _ screen: TerminalScreen) {
        var signals = signals
        while true {
            var number: CInt = 0
            guard sigwait(&signals, &number) == 0 else { continue }
            if number != SIGWINCH, isEndWanted.exchange(true, ordering: .relaxed) {
                screen.leave()
                _exit(128 + number)
            }
            ready.signal()
        }
    }
}
