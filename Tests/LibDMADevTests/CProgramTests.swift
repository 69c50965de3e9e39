import Foundation
import TestSupport
import Testing

/// Programs in C that check the library from outside: each ends with status 0 if all is right.
@Suite struct CProgramTests {
    private let programs: CPrograms

    init() throws { programs = try CPrograms() }

    private func source(_ name: String) -> URL { CPrograms.ownSources.appending(path: name) }

    private func run(_ name: String, _ arguments: [String] = [], _ environment: [String: String] = [:]) throws {
        let result = try runProgram(programs.compile(source(name)), arguments, environment: environment)
        #expect(result.exit == .exited(0) && result.output.isEmpty && result.errors.isEmpty, "\(name): \(result)")
    }

    @Test("Headers compile alone, as C11 and C++17, with gcc and clang, and the layouts stay", arguments: Compiler.all)
    func headers(compiler: Compiler) throws {
        _ = try programs.compile(source("layouts.c"), with: compiler)
        for header in ["dmadev.h", "dmadev_driver.h", "dmadev_telemetry.h"] {
            let alone = URL(filePath: programs.directory.file("alone.c"))
            try "#include <\(header)>\nint main(void) { return 0; }\n".write(
                to: alone, atomically: true, encoding: .utf8)
            _ = try programs.compile(alone, with: compiler)
        }
    }

    @Test(
        "The compatible header has DPDK's values, and a program written for DPDK runs unchanged",
        arguments: Compiler.all)
    func compatible(compiler: Compiler) throws {
        _ = try programs.compile(source("compat_values.c"), with: compiler)
        let program = try programs.compile(source("compat_copy.c"), with: compiler)
        let result = try runProgram(program, environment: ["DMADEV_DEVICES": "software,name=dma0"])
        #expect(result.exit == .exited(0) && result.output.hasSuffix("\npassed\n"), "\(result)")
    }

    @Test("Access groups of two processes, with DPDK's calls and the RFC's")
    func compatibleGroups() throws {
        let host = try CController()
        let program = try programs.compile(source("compat_groups.c"))
        let devices = ["DMADEV_DEVICES": "controller,name=dma0,socket=\(host.path)"]
        let first = try RunningProgram(program, environment: devices)
        let groups = try first.nextLine().split(separator: " ").map(String.init)
        let second = try runProgram(program, groups, environment: devices)
        #expect(second.exit == .exited(0) && second.errors.isEmpty, "\(second)")
        let result = try first.wait()
        #expect(result.exit == .exited(0) && result.errors.isEmpty, "\(result)")
    }

    @Test("Control calls, errors and statistics") func control() throws { try run("control.c") }

    @Test("Data calls") func data() throws { try run("data.c") }

    @Test("External memory and attachments") func memory() throws { try run("memory.c") }

    @Test("Threads, signals, children") func process() throws { try run("process.c") }

    @Test("The library can be loaded at run time, and stays") func loaded() throws {
        try run("loaded.c", [try builtProduct("libdmadev.so")])
    }

    @Test("DMADEV_DEVICES makes devices; a wrong one says so on standard error")
    func devices() throws {
        let program = try programs.compile(source("devices.c"))
        func output(_ devices: String) throws -> ProgramResult {
            try runProgram(program, environment: ["DMADEV_DEVICES": devices])
        }
        #expect(try output("software,name=a;software,name=b,vchans=2").output == "a b ")
        let wrong = try output("software,name=a;hardware")
        #expect(wrong.output.isEmpty && wrong.errors.hasPrefix("libdmadev: no devices made: "), "\(wrong)")
        #expect(wrong.errors.contains("hardware") && wrong.errors.hasSuffix(": correct DMADEV_DEVICES\n"), "\(wrong)")
    }

    @Test("DMADEV_TELEMETRY starts the server, with the commands that were added before")
    func telemetry() throws {
        let environment = [
            "DMADEV_DEVICES": "software,name=a", "DMADEV_TELEMETRY": "fromenvironment",
            "RUNTIME_DIRECTORY": programs.directory.path,
        ]
        try run("telemetry.c", [], environment)
    }

    @Test("The map of symbols is what the headers declare")
    func symbols() throws {
        let map = try String(
            contentsOf: CPrograms.root.appending(path: "Sources/LibDMADev/libdmadev.map"), encoding: .utf8)
        let listed = Set(map.matches(of: /\t(dmadev_\w+);/).map { String($0.output.1) })
        var declared: Set<String> = ["dmadev_fp_objs"]
        for header in ["dmadev.h", "dmadev_driver.h", "dmadev_telemetry.h"] {
            let text = try String(
                contentsOf: CPrograms.root.appending(path: "Sources/CDMADev/include/\(header)"), encoding: .utf8)
            for match in text.matches(of: /(?m)^(?:int|bool|void|u?int16_t|const char) \*?(dmadev_\w+)\(/) {
                declared.insert(String(match.output.1))
            }
        }
        #expect(listed == declared)
        let exported = try outputOfProgram(
            requiredTool("nm", package: "binutils"), ["-D", "--defined-only", builtProduct("libdmadev.so")])
        let names = Set(exported.split(separator: "\n").compactMap { $0.split(separator: " ").last.map(String.init) })
        #expect(listed.subtracting(names).isEmpty)
    }
}
