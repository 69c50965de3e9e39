import Glibc
public import SystemPackage

/// A process that this one has started. It is killed when the last reference goes. For one thread at a time.
///
/// C: `posix_spawn`, `waitpid`
public final class ChildProcess {
    /// Its number; another process can have it after ``wait()`` or ``end()``.
    public let pid: pid_t
    private var status: CInt?

    /// Starts a program, with no signal blocked.
    ///
    /// - Parameters:
    ///   - program: its path.
    ///   - arguments: the first one is its name.
    ///   - environment: added to that of this process.
    ///   - descriptors: those that it has as 0, 1, 2 and so on. It has no others that are close-on-exec here.
    ///     Empty: the same as here.
    ///   - defaultSignals: signals that are ignored here, and have their default action there.
    ///   - hasOwnSession: whether it gets no signals of the terminal.
    /// - Throws: ENOENT, EACCES, ENOEXEC for the program, EAGAIN, ENOMEM.
    public init(
        _ program: String, _ arguments: [String], environment: [String] = [], descriptors: [CInt],
        defaultSignals: [CInt] = [], hasOwnSession: Bool = false
    ) throws(Errno) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // A source descriptor may be one of the targets, so all are first duplicated to numbers beyond both.
        let first = max(CInt(descriptors.count), (descriptors.max() ?? 0) + 1)
        for (place, descriptor) in descriptors.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, first + CInt(place))
        }
        for place in descriptors.indices {
            posix_spawn_file_actions_adddup2(&actions, first + CInt(place), CInt(place))
            posix_spawn_file_actions_addclose(&actions, first + CInt(place))
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var defaults = none
        for signal in defaultSignals { sigaddset(&defaults, signal) }
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        let session: CInt = hasOwnSession ? 0x80 : 0  // POSIX_SPAWN_SETSID, which Swift does not import.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | session))
        let words = arguments.map { strdup($0) } + [nil]
        let variables = environment.map { strdup($0) }
        defer { (words + variables).forEach { free($0) } }
        // Of two variables with one name, the first counts.
        var inherited: [UnsafeMutablePointer<CChar>?] = []
        var next = environ
        while let variable = next.pointee {
            inherited.append(variable)
            next += 1
        }
        let all = variables + inherited + [nil]
        var pid: pid_t = 0
        let error = posix_spawn(&pid, program, &actions, &attributes, words, all)
        guard error == 0 else { throw Errno(rawValue: error) }
        self.pid = pid
    }

    deinit { end() }

    /// Waits until it has ended; its wait status.
    @discardableResult
    public func wait() -> CInt {
        if let status { return status }
        var status: CInt = 0
        _ = systemCall { waitpid(pid, &status, 0) }
        self.status = status
        return status
    }

    /// Its wait status if it has stopped or ended since the last call. Does not wait.
    public func change() -> CInt? {
        guard status == nil else { return nil }
        var status: CInt = 0
        guard case .success(pid) = systemCall({ waitpid(pid, &status, WNOHANG | WUNTRACED) }) else { return nil }
        if status & 0xFF != 0x7F { self.status = status }
        return status
    }

    /// Kills it with SIGKILL and waits for its end.
    public func end() {
        guard status == nil else { return }
        kill(pid, SIGKILL)
        wait()
    }
}

/// A pipe with close-on-exec ends.
///
/// C: `pipe`
@frozen public struct AnonymousPipe: ~Copyable {
    /// The end to read from.
    public let reading: OwnedDescriptor
    /// The end to write to.
    public let writing: OwnedDescriptor

    /// Makes it. A program that another thread starts at this moment can inherit its ends.
    ///
    /// - Throws: EMFILE, ENFILE.
    public init() throws(Errno) {
        var ends: [CInt] = [-1, -1]
        try tryingSystemCall { pipe(&ends) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        reading = OwnedDescriptor(adopting: ends[0])
        writing = OwnedDescriptor(adopting: ends[1])
    }
}
