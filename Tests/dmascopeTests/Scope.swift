import Foundation
import TelemetryClient
import TelemetryWire
import TestSupport
import Testing

/// A place of its own for the processes of one test: their sockets and files lie in a directory that goes with it.
final class Scope {
    let directory: TemporaryDirectory
    let program: String

    init() throws {
        directory = try TemporaryDirectory()
        program = try builtProduct("dmascope")
        try FileManager.default.createDirectory(atPath: runDirectory, withIntermediateDirectories: false)
    }

    var runDirectory: String { directory.file("run") }
    var environment: [String: String] { ["RUNTIME_DIRECTORY": runDirectory, "NO_COLOR": ""] }

    func socket(_ prefix: String = "dmascope") -> String {
        TelemetryRunDirectory(root: runDirectory).socketPath(filePrefix: prefix)
    }

    /// The path for a socket of a test's own, whose directory is made.
    func makeSocket(_ prefix: String) throws -> String {
        try FileManager.default.createDirectory(
            atPath: runDirectory + "/dpdk/\(prefix)", withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        return socket(prefix)
    }

    /// Runs dmascope to its end.
    func run(_ arguments: String..., input: String = "") throws -> ProgramResult {
        try run(arguments, input: input)
    }

    func run(_ arguments: [String], input: String = "") throws -> ProgramResult {
        try runProgram(program, arguments, environment: environment, input: input)
    }

    /// Starts dmascope.
    func start(_ arguments: String...) throws -> RunningProgram {
        try RunningProgram(program, arguments, environment: environment)
    }

    /// Starts `dmascope serve`, and returns when it serves. Not on its usual port, which only one process can have.
    func serve(_ arguments: String...) throws -> RunningProgram {
        let listen = arguments.contains("--listen") ? [] : ["--listen", "off"]
        let server = try RunningProgram(program, ["serve"] + listen + arguments, environment: environment)
        try server.waitForOutput(containing: "Ctrl-C ends it.")
        return server
    }

    /// The Unix socket for a test's HTTP server.
    var httpPath: String { directory.file("http") }

    /// What curl prints when it asks the server at ``httpPath``.
    func curl(_ arguments: String...) throws -> String {
        try outputOfProgram(
            requiredTool("curl", package: "curl"), ["-sS", "--unix-socket", httpPath] + arguments)
    }

    /// What dmascope prints with `--json`, when it succeeds.
    func json(_ arguments: String...) throws -> JSONTree {
        let result = try run(arguments + ["--json"])
        guard result.exit == .exited(0) else { throw TestSupportError("\(arguments): \(result)") }
        return try JSONValue(parsing: result.output).tree
    }

    /// What the controller that serves has and has done.
    func controllerInfo() throws -> JSONTree {
        let result = try run("query", "dmascope", "/controller/info")
        return try #require(JSONValue(parsing: result.output).tree["/controller/info"], "\(result)")
    }

    /// Runs dmascope with a terminal as standard output and standard error.
    func runOnTerminal(_ arguments: String, environment extra: [String: String] = [:]) throws -> ProgramResult {
        let script = try requiredTool("script", package: "bsdutils")
        return try runProgram(
            script, ["-qec", "'\(program)' \(arguments)", "/dev/null"],
            environment: environment.merging(["TERM": "xterm"]) { $1 }.merging(extra) { $1 })
    }

    /// What is below the run directory.
    var leftovers: [String] {
        get throws { try FileManager.default.subpathsOfDirectory(atPath: runDirectory) }
    }
}

/// The rows of a printed table, without its titles, cut at runs of blanks.
func rows(_ output: String) -> [[Substring]] {
    output.split(separator: "\n").dropFirst().map { $0.split(separator: " ") }
}

/// Expects an exit, and nothing on standard error but one line with `sentence`.
func expect(
    _ result: ProgramResult, exits status: Int32, saying sentence: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(result.exit == .exited(status), "\(result)", sourceLocation: sourceLocation)
    #expect(result.errors.hasPrefix("dmascope: "), "\(result)", sourceLocation: sourceLocation)
    #expect(result.errors.contains(sentence), "\(result)", sourceLocation: sourceLocation)
    #expect(result.errors.split(separator: "\n").count == 1, "\(result)", sourceLocation: sourceLocation)
}
