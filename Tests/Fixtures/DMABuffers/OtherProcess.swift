import Glibc
import SystemPackage

/// A process that this one has started.
struct OtherProcess {
    let processID: pid_t

    /// Starts a program.
    ///
    /// - Parameter descriptors: what it has besides the standard streams, by the numbers that it has there.
    init(_ program: String, _ arguments: String..., descriptors: [CInt: CInt] = [:]) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, descriptor) in descriptors { posix_spawn_file_actions_adddup2(&actions, descriptor, number) }
        var words = ([program] + arguments).map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var processID: pid_t = 0
        let failure = posix_spawn(&processID, program, &actions, nil, &words, environ)
        try DMABuffers.require(failure == 0, "posix_spawn: \(Errno(rawValue: failure))")
        self.processID = processID
    }

    /// Sends a signal, and waits for the end; the wait status.
    @discardableResult
    func end(by signal: CInt) -> CInt {
        kill(processID, signal)
        return wait()
    }

    /// Waits for the end, which must be a success.
    func succeed() throws {
        let status = wait()
        try DMABuffers.require(status == 0, "the other process ended with wait status \(status)")
    }

    private func wait() -> CInt {
        var status: CInt = 0
        while waitpid(processID, &status, 0) < 0 && errno == EINTR {}
        return status
    }
}
