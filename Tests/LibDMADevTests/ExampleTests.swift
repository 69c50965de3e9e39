import Foundation
import TelemetryClient
import TelemetryWire
import TestSupport
import Testing

/// How an example is compiled and run. Both tools end a program that reads or writes where it must not.
enum ExampleBuild: String, CaseIterable {
    case plain
    case sanitized
    case valgrind

    func compile(_ name: String, _ programs: CPrograms) throws -> String {
        if self == .valgrind {
            // It does not read the debug information of Swift.
            try outputOfProgram(
                requiredTool("objcopy", package: "binutils"),
                ["--strip-debug", builtProduct("libdmadev.so"), programs.directory.file("libdmadev.so")])
        }
        let options = self == .sanitized ? ["-fsanitize=address,undefined"] : []
        return try programs.compile(
            CPrograms.examples.appending(path: name), with: Compiler.all[self == .sanitized ? 1 : 0], options)
    }

    /// The program, or what runs it, and the arguments.
    func command(_ program: String, _ arguments: [String] = []) throws -> (String, [String]) {
        guard self == .valgrind else { return (program, arguments) }
        let suppressions = CPrograms.ownSources.appending(path: "swift.supp").path
        let options = ["--quiet", "--error-exitcode=9", "--suppressions=\(suppressions)", program]
        return (try requiredTool("valgrind", package: "valgrind"), options + arguments)
    }

    func environment(_ programs: CPrograms) -> [String: String] {
        switch self {
        case .plain: [:]
        // The library makes tables that live as long as the process.
        case .sanitized: ["ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "halt_on_error=1"]
        case .valgrind: ["LD_LIBRARY_PATH": programs.directory.path]
        }
    }
}

/// The examples compile everywhere, and do what they say.
@Suite struct ExampleTests {
    private let programs: CPrograms

    init() throws { programs = try CPrograms() }

    private func example(_ name: String) -> URL { CPrograms.examples.appending(path: name) }

    @Test("Every example compiles as C11 and C++17, with gcc and clang, and is short", arguments: Compiler.all)
    func compiles(compiler: Compiler) throws {
        let sources = try CPrograms.sources(in: CPrograms.examples)
        #expect(sources.count >= 5)
        for source in sources {
            _ = try programs.compile(source, with: compiler)
            #expect(
                try String(contentsOf: source, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
                    .count <= 150)
        }
    }

    @Test("Copies")
    func copy() throws {
        let output = try outputOfProgram(programs.compile(example("copy.c")))
        #expect(output.contains("32 operations done, the last one has index 31; equal: yes\n"))
        #expect(output.hasSuffix("submitted 32, completed 32, errors 0\n"))
    }

    @Test("Scatter-gather with errors")
    func scatterGather() throws {
        let output = try outputOfProgram(programs.compile(example("scatter_gather.c")))
        #expect(
            output == """
                operation 0: successful
                gathered: one two three
                unequal lists: -22
                operation 1: invalid_src_addr
                operation 2: not_attempted
                operation 3: successful
                now: thr two three
                completed 4, errors 2

                """)
    }

    @Test("A driver in C")
    func driver() throws {
        let output = try outputOfProgram(programs.compile(example("driver.c")))
        #expect(output.hasPrefix("1 done: moved by the driver\n"))
        #expect(output.contains("driver: memcpy\n") && output.contains("completed_count: 1\n"))
    }

    @Test("Two processes lend and borrow memory through a controller", arguments: ExampleBuild.allCases)
    func groups(build: ExampleBuild) throws {
        let host = try CController()
        let program = try build.compile("groups.c", programs)
        func run(_ arguments: [String]) throws -> ProgramResult {
            let (command, all) = try build.command(program, [host.path] + arguments)
            return try runProgram(command, all, environment: build.environment(programs))
        }
        let (command, arguments) = try build.command(program, [host.path])
        let lender = try RunningProgram(command, arguments, environment: build.environment(programs))
        let secret = try lender.nextLine().split(separator: " ").map(String.init)
        let borrower = try run(secret)
        #expect(borrower.exit == .exited(0) && borrower.output == "lent by the other process\n", "\(borrower)")
        let result = try lender.wait()
        #expect(result.exit == .exited(0) && result.output.hasSuffix("joined\nleft\n"), "\(result)")
        // A wrong token says no more than that.
        let refused = try run(["0", "00"])
        #expect(refused.exit == .exited(1) && refused.errors.contains("(error 13)"), "\(refused)")
    }

    @Test("A telemetry command in C", arguments: ExampleBuild.allCases)
    func telemetry(build: ExampleBuild) throws {
        let run = build.environment(programs).merging(["RUNTIME_DIRECTORY": programs.directory.path]) { $1 }
        let (command, arguments) = try build.command(build.compile("telemetry.c", programs))
        let program = try RunningProgram(command, arguments, environment: run)
        let client = try TelemetryClient(path: program.nextLine())
        #expect(
            try client.request("/example/jobs,2").text
                == #"{"jobs":[{"name":"first","bytes":4096,"done":true},"#
                + #"{"name":"second","bytes":1099511627776,"done":false}]}"#)
        #expect(try client.request("/example/jobs,junk").isNull)
        #expect(try client.request("/dmadev/list").text == "[0]")
        program.write("\n")
        let result = try program.wait()
        #expect(result.exit == .exited(0), "\(result)")
        let left = try FileManager.default.subpathsOfDirectory(atPath: programs.directory.path)
        #expect(!left.contains { $0.hasSuffix(".v2") }, "\(left)")
    }

    @Test("Python reaches the library by ctypes")
    func python() throws {
        let output = try outputOfProgram(
            requiredTool("python3", package: "python3"),
            [example("copy.py").path, builtProduct("libdmadev.so")])
        #expect(output == "dma0 copied: moved by a device\n")
    }

    /// Not with valgrind: the operations of the second one that fail, fail because the engine reads where nothing is.
    @Test("Nothing is read or written where it must not be", arguments: ["copy.c", "scatter_gather.c", "driver.c"])
    func sanitized(name: String) throws {
        let build = ExampleBuild.sanitized
        try outputOfProgram(build.compile(name, programs), environment: build.environment(programs))
    }
}
