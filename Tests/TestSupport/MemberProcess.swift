import Foundation

/// A `controller-member`: a process with a device of a controller, which does what a test tells it.
public final class MemberProcess: Sendable {
    /// The process.
    public let program: RunningProgram

    /// Starts one, which connects.
    ///
    /// - Parameters:
    ///   - path: the controller's socket.
    ///   - user: whom it becomes before, with a group beside the user's own.
    /// - Throws: when it finds no controller.
    public convenience init(_ path: String, as user: (uid: uid_t, group: gid_t)? = nil) throws {
        let arguments = user.map { ["\($0.uid)", "\($0.group)"] } ?? []
        try self.init(running: RunningProgram(builtProduct("controller-member"), [path] + arguments))
    }

    /// Waits for one that was started elsewhere.
    public init(running program: RunningProgram) throws {
        self.program = program
        let first = try program.nextLine()
        guard first == "ready" else { throw TestSupportError("a member says: \(first)") }
    }

    /// Sends a command; its answer is the next line.
    public func tell(_ command: String) { program.write(command + "\n") }

    /// The next line.
    public func line() throws -> String { try program.nextLine(timeout: .seconds(120)) }

    /// Sends a command and waits for its answer.
    public func ask(_ command: String) throws -> String {
        tell(command)
        return try line()
    }

    /// Sends a command whose answer is a number.
    public func number<Number: FixedWidthInteger>(_ command: String, as type: Number.Type = Number.self) throws
        -> Number
    {
        let answer = try ask(command)
        guard let number = Number(answer) else { throw TestSupportError("\(command): \(answer)") }
        return number
    }

    /// Makes a group.
    public func create(_ token: Token, limit: Int = 64) throws -> (group: Int, handler: UInt16) {
        let answer = try ask("create \(limit) \(token.hex)")
        let words = answer.split(separator: " ").compactMap { Int($0) }
        guard words.count == 2, let handler = UInt16(exactly: words[1]) else {
            throw TestSupportError("create: \(answer)")
        }
        return (words[0], handler)
    }

    /// Copies a page to a new window of the creator of a group that both are in, and compares it there.
    ///
    /// - Returns: the addresses of the window and of the own memory.
    public func copyPage(
        to creator: MemberProcess, in made: (group: Int, handler: UInt16)
    ) throws -> (window: UInt64, own: UInt64) {
        let window: UInt64 = try creator.number("window \(made.group) 3 0 1")
        let own: UInt64 = try number("own")
        _ = try ask("put 0 4096 42")
        let status = try ask("copy \(own) \(window) 4096 0 \(made.handler)")
        let held = try creator.ask("holds 0 4096 42")
        guard status == "successful", held == "yes" else { throw TestSupportError("copy: \(status), holds: \(held)") }
        return (window, own)
    }

    /// What it has heard of its groups, as `KIND:GROUP:HANDLER`.
    public var events: [String] {
        get throws { try ask("events").split(separator: " ").map(String.init) }
    }

    /// Waits until it has heard something.
    public func hear(_ event: String) throws {
        while try !events.contains(event) { sched_yield() }
    }

    /// Ends it in the middle of whatever it does.
    public func kill() throws {
        program.kill(SIGKILL)
        try program.wait()
    }
}

/// A secret of 16 bytes, none of which is 0.
public struct Token: Sendable {
    /// The bytes.
    public let bytes: [UInt8]

    /// A new one.
    public init() {
        bytes = (0..<16).map { _ in .random(in: 1...255) }
    }

    /// A token that another process has written to a file.
    public init(contentsOf path: String) throws {
        bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        guard bytes.count == 16 else { throw TestSupportError("\(path): a token has 16 bytes, not \(bytes.count)") }
    }

    /// Its 32 digits, in lower case.
    public var hex: String { bytes.map { String(format: "%02x", $0) }.joined() }

    /// What must be found nowhere: each half by itself, as bytes and as text; a register holds no more than a half.
    public var forms: [Data] {
        [bytes[..<8], bytes[8...]].flatMap { half in
            let digits = half.map { String(format: "%02x", $0) }
            // The last digits are the same whether there are dashes between them or not.
            let texts = [digits.joined(), digits.joined().uppercased(), digits.suffix(6).joined()]
            let numbers = half.map(String.init).joined(separator: ", ")
            return [Data(half), Data(half.reversed())] + (texts + [numbers]).map { Data($0.utf8) }
        }
    }
}
