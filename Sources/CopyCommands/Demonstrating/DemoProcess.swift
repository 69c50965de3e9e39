import CommandSupport
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
    private let process: ChildProcess
    private let input: OwnedDescriptor
    private let output: OwnedDescriptor
    private let termination: Termination
    private var received: [UInt8] = []

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
        do throws(Errno) {
            let commands = try AnonymousPipe()
            let answers = try AnonymousPipe()
            process = try ChildProcess(
                "/proc/self/exe", ["dmascope", "demo", "member", role.rawValue, controllerPath],
                descriptors: [commands.reading.raw, answers.writing.raw, STDERR_FILENO, secret.raw, data.raw])
            input = commands.writing
            output = answers.reading
        } catch {
            throw Failure("cannot start a process: \(error): end other processes")
        }
    }

    var pid: pid_t { process.pid }

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
    func end() { process.end() }

    /// Waits until the process has exited.
    func waitForEnd() throws(Failure) {
        let status = process.wait()
        guard status == 0 else { throw Failure("process \(name) has ended with status \(status): please report this") }
    }
}
