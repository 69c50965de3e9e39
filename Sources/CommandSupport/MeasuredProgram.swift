import Glibc
import LinuxSystem
import SystemPackage

/// The program whose run is measured. It has the standard streams, the environment and the process group of this process.
package final class MeasuredProgram {
    /// The name and the arguments.
    package let words: [String]
    /// When it was started: no part of its run is earlier.
    package let start: MonotonicTime
    private let process: ChildProcess

    /// Starts it; a name without a slash is searched in `PATH`.
    ///
    /// - Throws: ENOENT if there is none, EACCES if it may not be executed, or why it cannot be started.
    package init(_ words: [String]) throws(Errno) {
        self.words = words
        let path = try Self.find(words.first ?? "")
        // Ignored signals are inherited, and this process ignores SIGPIPE.
        signal(SIGPIPE, SIG_DFL)
        defer { signal(SIGPIPE, SIG_IGN) }
        start = .now
        process = try ChildProcess(path, words, descriptors: [])
    }

    package var pid: pid_t { process.pid }

    /// Whether it has ended.
    package var hasEnded: Bool {
        var info = siginfo_t()
        let result = systemCall { waitid(P_PID, id_t(process.pid), &info, WEXITED | WNOHANG | WNOWAIT) }
        if case .failure = result { return true }
        return info.si_signo == SIGCHLD
    }

    /// Its exit status after its end; 128 and the number of the signal that ended it.
    package func exitStatus() -> Int32 {
        let status = process.wait()
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }

    /// Sends it a signal that this process has received.
    package func send(_ number: CInt) { kill(process.pid, number) }

    /// The path of a program; a name without a slash is searched in `PATH`.
    ///
    /// - Throws: ENOENT if there is none, EACCES if it may not be executed.
    package static func find(_ name: String) throws(Errno) -> String {
        if name.contains("/") || name.isEmpty {
            try tryingSystemCall { access(name, X_OK) }
            return name
        }
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        var isForbidden = false
        for folder in path.split(separator: ":", omittingEmptySubsequences: false) {
            let candidate = "\(folder.isEmpty ? "." : folder)/\(name)"
            var status = stat()
            guard stat(candidate, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            if access(candidate, X_OK) == 0 { return candidate }
            isForbidden = true
        }
        throw isForbidden ? .permissionDenied : .noSuchFileOrDirectory
    }
}

/// The signals of a measurement: those that end it or are passed on to the program, and the end of the program.
///
/// Create it before any other thread exists: it blocks the signals, and new threads inherit the mask.
package struct StatSignals {
    /// A signal that was received.
    package enum Event {
        /// A child process has changed its state.
        case child
        /// The terminal sends its signals to the program, too.
        case signal(CInt, isFromTerminal: Bool)
    }

    private var signals = sigset_t()

    /// - Parameter hasProgram: whether there is a program that the signals are passed on to.
    package init(hasProgram: Bool) {
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGQUIT] { sigaddset(&signals, number) }
        if !Termination.hangUpIsIgnored { sigaddset(&signals, SIGHUP) }
        if hasProgram { for number in [SIGCHLD, SIGUSR1, SIGUSR2] { sigaddset(&signals, number) } }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Waits for the next signal until a point in time.
    package func wait(until deadline: MonotonicTime) -> Event? {
        var signals = signals
        var info = siginfo_t()
        let left = deadline.nanoseconds(since: .now)
        var time = timespec(tv_sec: Int(left / 1_000_000_000), tv_nsec: Int(left % 1_000_000_000))
        guard case .success(let number) = systemCall({ sigtimedwait(&signals, &info, &time) }) else { return nil }
        // SI_KERNEL, which Swift does not import.
        return number == SIGCHLD ? .child : .signal(number, isFromTerminal: info.si_code == 0x80)
    }
}
