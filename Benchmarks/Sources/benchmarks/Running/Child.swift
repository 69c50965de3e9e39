import Foundation

/// A child process that reads lines and answers each with one line.
final class Child {
    let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var unread = Data()

    /// - Parameter command: the program's path and arguments.
    init(_ command: [String], environment: [String: String] = [:]) throws(Failure) {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            throw Failure("\(command[0]): \(error.localizedDescription)")
        }
    }

    /// The process id of the program, which replaces `env` in the same process.
    var processID: Int32 { process.processIdentifier }

    func send(_ line: String) throws(Failure) {
        do {
            try input.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8))
        } catch {
            throw Failure("cannot write to the program: \(error.localizedDescription)")
        }
    }

    /// Waits for the next line.
    func line() throws(Failure) -> String {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                defer { unread = Data(unread[(end + 1)...]) }
                return String(decoding: unread[..<end], as: UTF8.self)
            }
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { throw Failure("the program ended without an answer") }
            unread.append(data)
        }
    }

    /// Closes its input, sends a signal if one is given, and waits for its end.
    func end(_ signal: Int32? = nil) {
        try? input.fileHandleForWriting.close()
        if let signal { kill(process.processIdentifier, signal) }
        process.waitUntilExit()
    }

    /// Starts a program without input and output, which the caller waits for.
    static func startSilently(_ command: [String], environment: [String: String] = [:]) throws(Failure) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        for descriptor: Int32 in 1...2 {
            posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0)
        }
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        var inherited: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
        defer { (arguments + inherited).forEach { free($0) } }
        var process: pid_t = 0
        try Failure.check(posix_spawnp(&process, command[0], &actions, nil, &arguments, &inherited), command[0])
        return process
    }

    /// Runs a program to its end and returns its output.
    static func output(of command: [String], environment: [String: String] = [:]) throws(Failure) -> String {
        let process = Process()
        let pipe = Pipe()
        let errors = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = errors
        do {
            try process.run()
        } catch {
            throw Failure("\(command[0]): \(error.localizedDescription)")
        }
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let errorText = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let last = errorText.split(separator: "\n").last ?? "exit status \(process.terminationStatus)"
            throw Failure("\(command.prefix(2).joined(separator: " ")): \(last)")
        }
        return text
    }
}
