import Foundation

/// A child process whose standard streams are pipes of the test. It is killed when the last reference goes.
public final class RunningProgram: Sendable {
    /// The child's process number, good until ``wait(timeout:)`` has returned.
    public let processID: pid_t
    private let path: String
    private let input: InputPipe
    private let state: State

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - environment: added to the test's own environment.
    ///   - capturesOutput: `false` for a program that leaves a daemon behind, which would hold the pipes open.
    public init(
        _ path: String, _ arguments: [String] = [], environment: [String: String] = [:], capturesOutput: Bool = true
    ) throws {
        let standardInput = try Pipe.connected()
        let output = try capturesOutput ? Pipe.connected() : Pipe.null()
        let errors = try capturesOutput ? Pipe.connected() : Pipe.null()
        processID = try spawn(
            path, arguments, environment: environment,
            streams: .descriptors([standardInput.readEnd, output.writeEnd, errors.writeEnd]))
        for descriptor in [standardInput.readEnd, output.writeEnd, errors.writeEnd] { close(descriptor) }
        self.path = path
        input = InputPipe(standardInput.writeEnd)
        state = State(processID)
        state.watch(output: capturesOutput ? output.readEnd : nil, errors: capturesOutput ? errors.readEnd : nil)
    }

    /// Starts a program on a terminal: what it writes, to standard error too, is its output, and what a test writes is
    /// typed.
    public init(
        _ path: String, _ arguments: [String] = [], environment: [String: String] = [:], on terminal: PseudoTerminal
    ) throws {
        processID = try spawn(
            path, arguments, environment: environment, streams: .terminal(terminal.device))
        self.path = path
        input = InputPipe(try terminal.duplicate())
        state = State(processID)
        state.watch(output: try terminal.duplicate(), errors: nil)
    }

    deinit {
        kill(SIGKILL)
        input.close()
    }

    /// Writes to the program's standard input. A program that no longer reads is not an error.
    public func write(_ text: String) { input.write(text) }

    /// Ends the program's standard input.
    public func closeInput() { input.close() }

    /// Sends a signal, unless the program has ended.
    public func kill(_ signal: Int32) { state.kill(signal) }

    /// What the program has written to standard output until now.
    public var outputSoFar: String { state.output }

    /// Waits until standard output holds `text`, and returns all that was written by then.
    ///
    /// - Throws: when the time is over, or the program ended without having written it.
    @discardableResult
    public func waitForOutput(containing text: String, timeout: Duration = .seconds(30)) throws -> String {
        guard let output = state.waitForOutput(containing: text, until: .now + timeout) else {
            throw TestSupportError("\(path) did not write \"\(text)\"; it wrote: \(state.result())")
        }
        return output
    }

    /// Waits until `isExpected` finds in all that standard output holds what it looks for, and returns what that is.
    ///
    /// - Throws: when the time is over, or the program ended without having written it.
    @discardableResult
    public func waitForOutput<Found>(
        timeout: Duration = .seconds(30), where isExpected: (String) -> Found?
    ) throws -> Found {
        guard let found = state.waitForOutput(until: .now + timeout, where: isExpected) else {
            throw TestSupportError("\(path) did not write what was waited for; it wrote: \(state.result())")
        }
        return found
    }

    /// Waits for a whole line on standard output, and returns the first that no call has returned yet, without its end.
    ///
    /// - Throws: when the time is over, or the program ended without having written it.
    public func nextLine(timeout: Duration = .seconds(30)) throws -> String {
        guard let line = state.nextLine(until: .now + timeout) else {
            throw TestSupportError("\(path) wrote no further line; it wrote: \(state.result())")
        }
        return line
    }

    /// Waits for the program's end.
    ///
    /// - Throws: when the time is over; the program is killed then.
    @discardableResult
    public func wait(timeout: Duration = .seconds(60)) throws -> ProgramResult {
        guard state.waitForEnd(until: .now + timeout) else {
            kill(SIGKILL)
            throw TestSupportError("\(path) did not end within \(timeout); it wrote: \(state.result())")
        }
        return state.result()
    }
}

/// What the threads that watch a child have seen. `condition` guards every variable.
private final class State: @unchecked Sendable {
    private let condition = NSCondition()
    private let processID: pid_t
    private var exit: ProgramResult.Exit?
    private var text = [Data(), Data()]
    /// How much of the output ``nextLine(until:)`` has returned, in bytes.
    private var linesEnd = 0
    private var openStreams = 0

    init(_ processID: pid_t) { self.processID = processID }

    func watch(output: Int32?, errors: Int32?) {
        for (stream, descriptor) in [output, errors].enumerated() {
            guard let descriptor else { continue }
            openStreams += 1
            Thread.detachNewThread { self.read(descriptor, into: stream) }
        }
        Thread.detachNewThread { self.waitForChild() }
    }

    var output: String {
        condition.withLock { String(decoding: text[0], as: UTF8.self) }
    }

    func result() -> ProgramResult {
        condition.withLock {
            ProgramResult(
                exit: exit ?? .exited(-1), output: String(decoding: text[0], as: UTF8.self),
                errors: String(decoding: text[1], as: UTF8.self))
        }
    }

    func kill(_ signal: Int32) {
        // Under the lock that reaps the child, so that the number never names another process.
        condition.withLock { if exit == nil { _ = Glibc.kill(processID, signal) } }
    }

    func waitForEnd(until deadline: ContinuousClock.Instant) -> Bool {
        condition.withLock {
            wait(until: deadline) { exit != nil && openStreams == 0 }
        }
    }

    func waitForOutput(containing wanted: String, until deadline: ContinuousClock.Instant) -> String? {
        condition.withLock {
            let wantedBytes = Data(wanted.utf8)
            let found = wait(until: deadline) { text[0].range(of: wantedBytes) != nil || openStreams == 0 }
            return found && text[0].range(of: wantedBytes) != nil ? String(decoding: text[0], as: UTF8.self) : nil
        }
    }

    func waitForOutput<Found>(
        until deadline: ContinuousClock.Instant, where isExpected: (String) -> Found?
    ) -> Found? {
        condition.withLock {
            var found: Found?
            _ = wait(until: deadline) {
                found = isExpected(String(decoding: text[0], as: UTF8.self))
                return found != nil || openStreams == 0
            }
            return found
        }
    }

    func nextLine(until deadline: ContinuousClock.Instant) -> String? {
        condition.withLock {
            var end: Int?
            _ = wait(until: deadline) {
                end = text[0][linesEnd...].firstIndex(of: UInt8(ascii: "\n"))
                return end != nil || openStreams == 0
            }
            guard let end else { return nil }
            defer { linesEnd = end + 1 }
            return String(decoding: text[0][linesEnd..<end], as: UTF8.self)
        }
    }

    /// Called with the lock held.
    private func wait(until deadline: ContinuousClock.Instant, for isTrue: () -> Bool) -> Bool {
        while !isTrue() {
            let left = deadline - .now
            guard left > .zero else { return false }
            _ = condition.wait(until: Date(timeIntervalSinceNow: left / .seconds(1)))
        }
        return true
    }

    private func read(_ descriptor: Int32, into stream: Int) {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            condition.withLock {
                text[stream].append(contentsOf: buffer[..<count])
                condition.broadcast()
            }
        }
        close(descriptor)
        condition.withLock {
            openStreams -= 1
            condition.broadcast()
        }
    }

    private func waitForChild() {
        var information = siginfo_t()
        while waitid(P_PID, id_t(processID), &information, WEXITED | WNOWAIT) != 0 && errno == EINTR {}
        condition.withLock {
            var status: Int32 = 0
            _ = waitpid(processID, &status, 0)
            let signal = status & 0x7F
            exit = signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal)
            condition.broadcast()
        }
    }
}

/// The test's end of a child's standard input. `lock` guards the descriptor.
private final class InputPipe: @unchecked Sendable {
    private let lock = NSLock()
    private var descriptor: Int32?

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    func write(_ text: String) {
        lock.withLock {
            guard let descriptor else { return }
            var bytes = Array(text.utf8)[...]
            while !bytes.isEmpty {
                let count = bytes.withUnsafeBytes { bytes in
                    let count = send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
                    guard count < 0 && errno == ENOTSOCK else { return count }
                    return Glibc.write(descriptor, bytes.baseAddress, bytes.count)
                }
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return }
                bytes = bytes.dropFirst(count)
            }
        }
    }

    func close() {
        lock.withLock {
            if let descriptor { _ = Glibc.close(descriptor) }
            descriptor = nil
        }
    }
}
