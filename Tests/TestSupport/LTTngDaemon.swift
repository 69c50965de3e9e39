import Foundation

/// The session daemon of this user. There can be only one, so test processes share it.
///
/// A daemon that runs already is left alone. If there is none, the first test process that needs one starts it, and the
/// last one that has used it stops it when it exits. Three files say which processes these are: `users` is locked for
/// reading by every user as long as it lives, `turn` by the one that starts, joins, or leaves, and `started` holds the
/// process number of a daemon that tests have started.
enum LTTngDaemon {
    /// Returns once a daemon is there; it stays until this process ends.
    static func ensureRunning() throws { _ = try users.get() }

    /// The descriptor whose lock says that this process uses the daemon.
    private static let users = Result { try join() }

    private static func join() throws -> Int32 {
        let daemon = try requiredTool("lttng-sessiond", package: "lttng-tools")
        let lttng = try requiredTool("lttng", package: "lttng-tools")
        let isRunning = { try runProgram(lttng, ["--no-sessiond", "list"]).exit == .exited(0) }

        let turn = try file("turn")
        flock(turn, LOCK_EX)
        defer { close(turn) }
        if try !isRunning() {
            // The parent returns when the daemon can be reached; the daemon would keep the pipes open.
            let starter = try RunningProgram(daemon, ["--no-kernel", "--daemonize"], capturesOutput: false)
            guard try starter.wait().exit == .exited(0), try isRunning(), let processID = runningProcessID() else {
                throw TestSupportError("\(daemon) --no-kernel --daemonize does not start")
            }
            try "\(processID)".write(toFile: path("started"), atomically: true, encoding: .utf8)
        }
        let users = try file("users")
        flock(users, LOCK_SH)
        atexit { LTTngDaemon.leave() }
        return users
    }

    /// At exit: stops the daemon if tests have started it and no other process uses it.
    private static func leave() {
        guard case .success(let users) = users, let turn = try? file("turn") else { return }
        flock(turn, LOCK_EX)
        defer { close(turn) }
        guard flock(users, LOCK_EX | LOCK_NB) == 0 else { return }
        guard let started = try? String(contentsOfFile: path("started"), encoding: .utf8) else { return }
        unlink(path("started"))
        guard let processID = runningProcessID(), started == "\(processID)" else { return }
        kill(processID, SIGTERM)
        // It is no child of this process, so there is nothing to wait on.
        for _ in 0..<1000 where kill(processID, 0) == 0 { usleep(10_000) }
    }

    private static func runningProcessID() -> pid_t? {
        let environment = ProcessInfo.processInfo.environment
        let home = environment["LTTNG_HOME"] ?? environment["HOME"] ?? ""
        let directory = geteuid() == 0 ? "/run/lttng" : home + "/.lttng"
        let text = try? String(contentsOfFile: directory + "/lttng-sessiond.pid", encoding: .utf8)
        return text.flatMap { pid_t($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }

    private static func path(_ name: String) -> String { "/tmp/dmascope-test-lttng-\(geteuid()).\(name)" }

    private static func file(_ name: String) throws -> Int32 {
        let descriptor = open(path(name), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw TestSupportError("\(path(name)): \(String(cString: strerror(errno)))")
        }
        return descriptor
    }
}
