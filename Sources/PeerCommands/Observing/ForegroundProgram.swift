import Glibc
import LinuxSystem
import SystemPackage

/// A program that takes the place of this process: it has the same streams, process group and terminal, gets the signals
/// that are sent to this process, and when it stops or ends, this process does.
///
/// Create it before any other thread exists: it blocks the signals.
struct ForegroundProgram {
    /// How a program ended.
    enum End {
        case exited(Int32)
        case killed(CInt)
    }

    private let child: ChildProcess

    /// - Throws: the error of starting it.
    init(_ path: String, _ arguments: [String], environment: [String]) throws(Errno) {
        signal(SIGCHLD, SIG_DFL)
        var signals = Self.signals
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        // This program ignores it, for its own output.
        child = try ChildProcess(
            path, arguments, environment: environment, descriptors: [], defaultSignals: [SIGPIPE])
    }

    var pid: Int32 { child.pid }

    /// Passes signals on until the program has ended.
    func wait() -> End {
        var signals = Self.signals
        while true {
            while let status = child.change() {
                let low = status & 0x7F
                if status & 0xFF == 0x7F {
                    // As the shell sees it, the command has stopped.
                    kill(getpid(), SIGSTOP)
                    kill(child.pid, SIGCONT)
                } else {
                    return low == 0 ? .exited(status >> 8 & 0xFF) : .killed(low)
                }
            }
            var info = siginfo_t()
            guard case .success(let number) = systemCall({ sigwaitinfo(&signals, &info) }), number != SIGCHLD else {
                continue
            }
            // What a terminal sends, the whole process group has got.
            if info.si_code != Self.fromKernel { kill(child.pid, number) }
        }
    }

    /// Ends this process by the signal that has killed the program, without a second core file.
    static func end(by number: CInt) {
        var limit = rlimit()
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
        signal(number, SIG_DFL)
        var signals = Self.signals
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        kill(getpid(), number)
    }

    private static let fromKernel: CInt = 0x80  // SI_KERNEL

    /// All but those that cannot be blocked, and those of faults.
    private static var signals: sigset_t {
        var signals = sigset_t()
        sigfillset(&signals)
        for fault in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS] { sigdelset(&signals, fault) }
        return signals
    }
}
