import Glibc
import LinuxSystem
import SystemPackage
import TelemetryWire

/// One of the two processes: this program again, with commands on its standard input and answers, one JSON object a line,
/// on its standard output.
final class DemoProcess {
    /// What the process is in the demonstration.
    enum Role: String {
        case creator, joiner
    }

    /// Where a process finds the end of the pipe that only the two have, and the bytes to compare with.
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
    private static let patience = Duration.seconds(60)

    /// Starts a process. All it gets is in its environment and arguments but the secret and the bytes, which have no name.
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
        // The bytes may have a low number: first away from what is overwritten.
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
        // This process waits for its signals; a new one dies of them.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let words = arguments.map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var pid: pid_t = 0
        let error = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, words, environ)
        guard error == 0 else { throw Failure("cannot start a process: \(Errno(rawValue: error)): end others") }
        return pid
    }

    deinit {
        end()
    }

    /// What people call it.
    var name: String { role == .creator ? "A" : "B" }

    /// Tells it to do something, and waits for the answer.
    func ask(_ command: String, for name: String) throws(Failure) -> JSONTree {
        let line = Array("\(command)\n".utf8)
        guard line.withUnsafeBytes({ Glibc.write(input.raw, $0.baseAddress, $0.count) }) == line.count else {
            throw Failure("process \(self.name) has ended: its complaint stands above")
        }
        return try wait(for: name)
    }

    /// Waits for its next answer, which is to be this one.
    func wait(for name: String) throws(Failure) -> JSONTree {
        let deadline = MonotonicTime.now.advanced(by: Self.patience)
        while true {
            if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: received[..<end], as: UTF8.self)
                received.removeSubrange(...end)
                guard let reply = (try? JSONValue(parsing: line))?.tree, reply["answer"]?.string == name else {
                    throw Failure("process \(self.name) says \(line), and not \(name): report this")
                }
                return reply
            }
            try receive(until: deadline)
        }
    }

    private func receive(until deadline: MonotonicTime) throws(Failure) {
        if let status = termination.poll() { throw Failure("given up at a signal", status: status) }
        guard MonotonicTime.now < deadline else {
            throw Failure(
                "process \(name) is silent for a minute: look whether the controller is stuck", status: .timedOut)
        }
        var watched = pollfd(fd: output.raw, events: Int16(POLLIN), revents: 0)
        // So that a signal is not waited for longer.
        guard poll(&watched, 1, 50) > 0 else { return }
        let count = withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            let count = Glibc.read(output.raw, buffer.baseAddress, buffer.count)
            received += buffer.prefix(max(count, 0))
            return count
        }
        if count == 0 { throw Failure("process \(name) has ended: its complaint stands above") }
    }

    /// Kills it, as nothing in it can prevent, and waits until it is gone.
    func end() {
        guard !hasEnded else { return }
        kill(pid, SIGKILL)
        reap()
    }

    /// Waits until it has ended by itself.
    func waitForEnd() throws(Failure) {
        let status = reap()
        guard status == 0 else { throw Failure("process \(name) has ended with status \(status): report this") }
    }

    @discardableResult
    private func reap() -> CInt {
        hasEnded = true
        var status: CInt = 0
        _ = systemCall { waitpid(pid, &status, 0) }
        return status
    }
}

/// A pipe whose ends are closed in every program that is started and not given them.
struct DemoPipe: ~Copyable {
    let reading: OwnedDescriptor
    let writing: OwnedDescriptor

    init() throws(Failure) {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw Failure("no pipe: \(Errno(rawValue: errno)): close something")
        }
        // No other thread starts programs: nobody can get them before.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        reading = OwnedDescriptor(adopting: ends[0])
        writing = OwnedDescriptor(adopting: ends[1])
    }
}
