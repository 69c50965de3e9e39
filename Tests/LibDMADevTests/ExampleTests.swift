import Foundation
import TelemetryClient
import TelemetryWire
import TestSupport
import Testing

/// How an example is compiled and run.
struct ExampleBuild: Sendable, CustomStringConvertible {
    let description: String
    let compiler: Compiler
    let options: [String]
    let environment: [String: String]

    static let plain = ExampleBuild(description: "plain", compiler: Compiler.all[0], options: [], environment: [:])
    /// Ends a program that reads or writes where it must not. The library makes tables that live as long as the process.
    static let sanitized = ExampleBuild(
        description: "sanitized", compiler: Compiler.all[1], options: ["-fsanitize=address,undefined"],
        environment: ["ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "halt_on_error=1"])
    static let all = [plain, sanitized]
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

    @Test("Two processes lend and borrow memory through a controller", arguments: ExampleBuild.all)
    func groups(build: ExampleBuild) throws {
        let host = try CController()
        let program = try programs.compile(example("groups.c"), with: build.compiler, build.options)
        let lender = try RunningProgram(program, [host.path], environment: build.environment)
        let secret = try lender.nextLine().split(separator: " ").map(String.init)
        let borrower = try runProgram(program, [host.path] + secret, environment: build.environment)
        #expect(borrower.exit == .exited(0) && borrower.output == "lent by the other process\n", "\(borrower)")
        let result = try lender.wait()
        #expect(result.exit == .exited(0) && result.output.hasSuffix("joined\nleft\n"), "\(result)")
        // A wrong token says no more than that.
        let refused = try runProgram(program, [host.path, "0", "00"], environment: build.environment)
        #expect(refused.exit == .exited(1) && refused.errors.contains("(error 13)"), "\(refused)")
    }

    @Test("A telemetry command in C", arguments: ExampleBuild.all)
    func telemetry(build: ExampleBuild) throws {
        let run = build.environment.merging(["RUNTIME_DIRECTORY": programs.directory.path]) { $1 }
        let program = try RunningProgram(
            programs.compile(example("telemetry.c"), with: build.compiler, build.options), environment: run)
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

    @Test("Nothing is read or written where it must not be", arguments: ["copy.c", "scatter_gather.c", "driver.c"])
    func sanitized(name: String) throws {
        let build = ExampleBuild.sanitized
        let program = try programs.compile(example(name), with: build.compiler, build.options)
        try outputOfProgram(program, environment: build.environment)
    }
}
