import CommandSupport
import Glibc
import LinuxSystem
import SystemPackage

/// The program `lttng`, and the session daemon that it talks to.
///
/// Its processes are in sessions of their own: Ctrl-C ends a recording, and not the commands that end it in order.
final class LTTngClient {
    private let program: String
    /// The daemon that this process has started.
    private var daemon: pid_t?

    /// Finds the program, and starts a session daemon if none runs.
    ///
    /// - Throws: ``Failure``: it is not installed, or the daemon does not start.
    init() throws(Failure) {
        do throws(Errno) {
            program = try MeasuredProgram.find("lttng")
        } catch {
            throw Failure("there is no program lttng: apt-get install lttng-tools")
        }
        warnOfOtherUsers()
        let list = try run(["list"])
        guard list.status != 0 else {
            Self.warnOfKilledRecorders(list.output)
            return
        }
        let user = geteuid() == 0 ? "" : " of this user"
        guard geteuid() == 0 || access(Self.home, W_OK | X_OK) == 0 else {
            throw Failure(
                "LTTng cannot write to the home directory \(Self.home): set LTTNG_HOME to a directory of this user")
        }
        StandardStreams.show(
            "no session daemon\(user) runs: starting lttng-sessiond for this recording; programs that run already join it within "
                + "10 s\n")
        do throws(Errno) {
            // It keeps its streams, so it gets none of this program.
            let null = OwnedDescriptor(adopting: try tryingSystemCall { open("/dev/null", O_RDWR | O_CLOEXEC) })
            let starter = try ChildProcess(
                try MeasuredProgram.find("lttng-sessiond"), ["lttng-sessiond", "--no-kernel", "--daemonize"],
                descriptors: [null.raw, null.raw, null.raw], hasOwnSession: true)
            // It returns when the daemon can be reached.
            guard starter.wait() == 0 else { throw .ioError }
        } catch {
            throw Failure("cannot start lttng-sessiond (\(error)): `lttng-sessiond --no-kernel` prints the reason")
        }
        daemon = Self.daemonProcess
        guard daemon != nil, try run(["list"]).status == 0 else {
            stopDaemon()
            throw Failure("lttng-sessiond does not answer: `lttng-sessiond --no-kernel --verbose` prints the reason")
        }
    }

    /// Names the sessions of recorders that were killed: they record until they are destroyed.
    private static func warnOfKilledRecorders(_ list: String) {
        for match in list.matches(of: #/\b(dmascope-[0-9]{8}-[0-9]{6}-([0-9]{1,9})) \[/#) {
            guard let pid = pid_t(match.2), kill(pid, 0) != 0, errno == ESRCH else { continue }
            StandardStreams.warn(
                "the session of a `dmascope trace record` that was killed still records: `lttng destroy \(match.1)` ends it"
            )
        }
    }

    /// Says what is not recorded if the superuser's daemon runs and this user may not use it.
    private func warnOfOtherUsers() {
        let socket = Self.superusersDirectory + "/client-lttng-sessiond"
        var status = stat()
        guard geteuid() != 0, stat(socket, &status) == 0, access(socket, R_OK | W_OK) != 0,
            let pid = Self.process(in: Self.superusersDirectory), kill(pid, 0) == 0 || errno == EPERM
        else { return }
        let user = UserName.name(geteuid()) ?? "\(geteuid())"
        let group = GroupName.text(status.st_gid)
        StandardStreams.warn(
            "user \(user) is not in group \(group) and cannot use the superuser's session daemon (pid \(pid)), so that only "
                + "processes of \(user) are recorded; to record those of all users, run this as the superuser, or `usermod "
                + "-aG \(group) \(user)` and log in again")
    }

    /// Runs a command, which has to succeed; what it has printed.
    @discardableResult
    func command(_ arguments: String...) throws(Failure) -> String {
        let result = try run(arguments)
        guard result.status == 0 else {
            let lines = result.output.split(separator: "\n")
            let reason = lines.first { $0.hasPrefix("Error: ") }?.dropFirst(7) ?? lines.last ?? "no reason given"
            throw Failure("`lttng \(arguments[0])` failed: \(reason): see `lttng list` and `dmascope doctor`")
        }
        return result.output
    }

    private func run(_ arguments: [String]) throws(Failure) -> (status: CInt, output: String) {
        do throws(Errno) {
            let null = OwnedDescriptor(adopting: try tryingSystemCall { open("/dev/null", O_RDWR | O_CLOEXEC) })
            let pipe = try AnonymousPipe()
            let (reading, writing) = (pipe.reading.raw, dup(pipe.writing.raw))
            _ = fcntl(writing, F_SETFD, FD_CLOEXEC)
            let child = try ChildProcess(
                program, ["lttng", "--no-sessiond"] + arguments, descriptors: [null.raw, writing, writing],
                defaultSignals: [SIGPIPE], hasOwnSession: true)
            close(writing)
            _ = fcntl(reading, F_SETFL, O_NONBLOCK)
            var output: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 1 << 14)
            // The end of the child is what counts: this process has the other end of the pipe open, too.
            let process = try ProcessDescriptor.open(child.pid)
            while true {
                var entries = [
                    pollfd(fd: reading, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: process.raw, events: Int16(POLLIN), revents: 0),
                ]
                // `lttng stop` prints a dot now and then while it waits.
                guard poll(&entries, 2, 60_000) != 0 else {
                    child.end()
                    return (-1, "Error: the session daemon has not answered for 60 s")
                }
                let count = Glibc.read(reading, &buffer, buffer.count)
                if count > 0 {
                    output += buffer[..<count]
                } else if entries[1].revents != 0 {
                    break
                }
            }
            return (child.wait(), String(decoding: output, as: UTF8.self))
        } catch {
            throw Failure("cannot run \(program): \(error): check its rights")
        }
    }

    /// Ends the daemon if this process has started it, and nobody else uses it.
    func stopDaemon() {
        guard let pid = daemon, let process = try? ProcessDescriptor.open(pid) else { return }
        daemon = nil
        if let list = try? run(["list"]), list.status == 0, !list.output.contains("no available") {
            StandardStreams.warn("lttng-sessiond (pid \(pid)) stays: it has other sessions")
            return
        }
        kill(pid, SIGTERM)
        var entry = pollfd(fd: process.raw, events: Int16(POLLIN), revents: 0)
        while poll(&entry, 1, -1) < 0 {}
    }

    /// The directory in which LTTng keeps the name of the current session.
    static var home: String {
        let home = getenv("LTTNG_HOME") ?? getenv("HOME")
        return home.map { String(cString: $0) } ?? ""
    }

    private static var daemonProcess: pid_t? {
        process(in: geteuid() == 0 ? superusersDirectory : home + "/.lttng")
    }

    private static let superusersDirectory = "/run/lttng"

    /// The daemon with this run directory.
    private static func process(in directory: String) -> pid_t? {
        guard let bytes = try? ProcFile.bytes(directory + "/lttng-sessiond.pid", atMost: 32) else { return nil }
        return pid_t(String(decoding: bytes, as: UTF8.self).filter(\.isNumber))
    }
}
