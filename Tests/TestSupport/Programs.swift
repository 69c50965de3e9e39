import Foundation

/// The path of an executable or library that the package built, beside the test bundle that runs.
public func builtProduct(_ name: String) throws -> String {
    let bundle = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let path = URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent(name).path
    guard FileManager.default.fileExists(atPath: path) else {
        throw TestSupportError("\(path) does not exist: build it with `swift build`")
    }
    return path
}

/// The path of a program of the machine. A test that needs it fails without it, and says what to install.
public func requiredTool(_ name: String, package: String) throws -> String {
    for directory in (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":") {
        let path = "\(directory)/\(name)"
        if access(path, X_OK) == 0 { return path }
    }
    throw TestSupportError("\(name) is not installed: apt-get install \(package)")
}

/// Runs a program to its end. See ``RunningProgram`` for the arguments.
///
/// - Throws: when the program cannot be started, or is not done in time; whatever its exit, the call returns.
public func runProgram(
    _ path: String, _ arguments: [String] = [], environment: [String: String] = [:], input: String = "",
    timeout: Duration = .seconds(60)
) throws -> ProgramResult {
    let program = try RunningProgram(path, arguments, environment: environment)
    program.write(input)
    program.closeInput()
    return try program.wait(timeout: timeout)
}

/// Runs a program that has to succeed, and returns its standard output.
@discardableResult
public func outputOfProgram(
    _ path: String, _ arguments: [String] = [], environment: [String: String] = [:], input: String = "",
    timeout: Duration = .seconds(60)
) throws -> String {
    let result = try runProgram(path, arguments, environment: environment, input: input, timeout: timeout)
    guard result.exit == .exited(0) else {
        throw TestSupportError("\(path) \(arguments.joined(separator: " ")): \(result)")
    }
    return result.output
}

/// How a program ended, and what it wrote.
public struct ProgramResult: Sendable, CustomStringConvertible {
    /// Its exit status, or the signal that killed it.
    public enum Exit: Sendable, Equatable {
        case exited(Int32)
        case signalled(Int32)
    }

    /// How it ended.
    public let exit: Exit
    /// All of its standard output, broken UTF-8 repaired.
    public let output: String
    /// All of its standard error, likewise.
    public let errors: String

    /// All of it, for the message of a failed test.
    public var description: String { "\(exit)\nstdout: \(output)\nstderr: \(errors)" }
}
