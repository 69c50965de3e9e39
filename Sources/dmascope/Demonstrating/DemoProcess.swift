import Glibc
import LinuxSystem
import SystemPackage
import TelemetryWire

/// One of the two processes: this program again. It reads commands from standard input and writes answers, one JSON
/// object per line, to standard output.
final class DemoProcess {
    enum Role: String {
        case creator, joiner
    }

    /// The descriptors, in a process, of its end of the pipe between the two processes and of the data.
    static let secretDescriptor: CInt = 3
    static let dataDescriptor: CInt = 4

    let role: Role
    let pid: pid_t
    private let input: OwnedDescriptor
    private let output: OwnedDescriptor
    private let termination: Termination
    private var received: [UInt8] = []
    private var hasEnded = false

    /// Longer than any step takes.
    private static let timeout = Duration.seconds(60)

    /// Starts a process. Besides arguments and environment it gets two descriptors: the pipe for the token, and the
    /// data.
    init(
        _ role: Role, controllerPath: String, secret: borrowing OwnedDescriptor, data: borrowing OwnedDescriptor,
        _ termination: Termination
    ) throws(Failure) {
        self.role = role
        self.termination = termination
        let commands = try DemoPipe()
        let answers = try DemoPipe()
        pid = try Self.spawn(
            ["dmascope", "demo", "member", role.rawValue, controllerPath],
            [commands.reading.raw, answers.writing.raw, STDERR_FILENO, secret.raw, data.raw])
        input = commands.writing
        output = answers.reading
    }

    private static func spawn(_ arguments: [String], _ descriptors: [CInt]) throws(Failure) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // A source descriptor may be one of the targets, so all are first duplicated to high numbers.
        for (place, descriptor) in descriptors.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, CInt(100 + place))
        }
        for place in descriptors.indices {
            posix_spawn_file_actions_adddup2(&actions, CInt(100 + place), CInt(place))
            posix_spawn_file_actions_addclose(&actions, CInt(100 + place))
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Signals are blocked in this process; the new one has their default action.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let words = arguments.map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var pid: pid_t = 0
        let error = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, words, environ)
        guard error == 0 else {
            throw Failure("cannot start a process: \(Errno(rawValue: error)): end other processes")
        }
        return pid
    }

    deinit {
        end()
    }

    /// The name in the report.
    var name: String { role == .creator ? "A" : "B" }

    /// Sends a command and waits for the answer of that name.
    func request(_ command: String, for name: String) throws(Failure) -> JSONTree {
        let line = Array("\(command)\n".utf8)
        guard line.withUnsafeBytes({ Glibc.write(input.raw, $0.baseAddress, $0.count) }) == line.count else {
            throw Failure("process \(self.name) has ended: see its message above")
        }
        return try wait(for: name)
    }

    /// Waits for the next answer.
    ///
    /// - Throws: ``Failure`` if the answer has another name.
    func wait(for name: String) throws(Failure) -> JSONTree {
        let deadline = MonotonicTime.now.advanced(by: Self.timeout)
        while true {
            if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: received[..<end], as: UTF8.self)
                received.removeSubrange(...end)
                guard let reply = (try? JSONValue(parsing: line))?.tree, reply["answer"]?.string == name else {
                    throw Failure("process \(self.name) answered \(line) instead of \(name): please report this")
                }
                return reply
            }
            try receive(until: deadline)
        }
    }

    private func receive(until deadline: MonotonicTime) throws(Failure) {
        if let status = termination.poll() { throw Failure("interrupted by a signal", status: status) }
        guard MonotonicTime.now < deadline else {
            throw Failure(
                "process \(name) has not answered for a minute: check whether the controller hangs", status: .timedOut)
        }
        var watched = pollfd(fd: output.raw, events: Int16(POLLIN), revents: 0)
        // A short timeout, so that a signal is handled soon.
        guard poll(&watched, 1, 50) > 0 else { return }
        let count = withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            let count = Glibc.read(output.raw, buffer.baseAddress, buffer.count)
            received += buffer.prefix(max(count, 0))
            return count
        }
        if count == 0 { throw Failure("process \(name) has ended: see its message above") }
    }

    /// Kills the process with SIGKILL and waits for its end.
    func end() {
        guard !hasEnded else { return }
        kill(pid, SIGKILL)
        reap()
    }

    /// Waits until the process has exited.
    func waitForEnd() throws(Failure) {
        let status = reap()
        guard status == 0 else { throw Failure("process \(name) has ended with status \(status): please report this") }
    }

    @discardableResult
    private func reap() -> CInt {
        hasEnded = true
        var status: CInt = 0
        _ = systemCall { waitpid(pid, &status, 0) }
        return status
    }
}

/// A pipe with close-on-exec ends.
struct DemoPipe: ~Copyable {
    let reading: OwnedDescriptor
    let writing: OwnedDescriptor

    init() throws(Failure) {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw Failure("cannot create a pipe: \(Errno(rawValue: errno)): end other processes")
        }
        // No other thread starts programs, so no program can inherit the ends before.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        reading = OwnedDescriptor(adopting: ends[0])
        writing = OwnedDescriptor(adopting: ends[1])
    }
}
