import Glibc
import LinuxSystem
import Synchronization
import SystemPackage

/// The signals of a program with a screen, as a descriptor to poll: SIGINT, SIGTERM, SIGHUP and SIGQUIT request the end,
/// SIGWINCH a redraw. If the program does not end, the next one of the four restores the screen and ends the process.
///
/// Create it before any other thread exists: it blocks the signals, and new threads inherit the mask.
final class ScreenSignals: Sendable {
    /// Readable after a signal was received.
    let ready: EventDescriptor
    private let isEndRequested = Atomic(false)

    init(for screen: TerminalScreen) throws(Failure) {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH] { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        do throws(Errno) {
            ready = try EventDescriptor()
            try SystemThread.start(name: "signals") { [signals] in self.wait(for: signals, screen) }.detach()
        } catch {
            throw Failure("cannot wait for signals: \(error): end other processes")
        }
    }

    /// Resets ``ready`` and returns whether the end was requested.
    func drain() -> Bool {
        _ = ready.drain()
        return isEndRequested.load(ordering: .relaxed)
    }

    private func wait(for signals: sigset_t, _ screen: TerminalScreen) {
        var signals = signals
        while true {
            var number: CInt = 0
            guard sigwait(&signals, &number) == 0 else { continue }
            if number != SIGWINCH, isEndRequested.exchange(true, ordering: .relaxed) {
                screen.leave()
                _exit(128 + number)
            }
            ready.signal()
        }
    }
}
