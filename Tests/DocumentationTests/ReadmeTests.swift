import Foundation
import MetricsTestSupport
import TelemetryWire
import TestSupport
import Testing

/// Every command of the README works, and prints what the README shows.
@Suite struct ReadmeTests {
    @Test func theTwoCommandsAreThere() throws {
        let commands = try Console.commands().filter { $0.line.hasPrefix("make ") }
        #expect(
            commands.map { $0.line.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces) } == [
                "make run", "make test",
            ])
        let make = try requiredTool("make", package: "make")
        for target in ["run", "test"] {
            let script = try outputOfProgram(make, ["-C", Page.package.path, "--no-print-directory", "-n", target])
            #expect(script == "scripts/\(target)\n")
            #expect(
                FileManager.default.isExecutableFile(
                    atPath: Page.package.appendingPathComponent("scripts/\(target)").path))
        }
    }

    /// What `make run` calls, and all that a reader is shown.
    @Test func everySubcommandIsShown() throws {
        let files = Page.files(below: "Sources").compactMap {
            $0.wholeMatch(of: #/Sources/(?:dmascope|[A-Za-z]+Commands)/Commands/([A-Za-z]+)\.swift/#)?.1.lowercased()
        }
        let words = try Console.commands().map { $0.line.split(separator: " ") }
        let shown =
            words.filter { $0[0] == "dmascope" }.map { String($0[1]) } + (try Console.argumentsOfRun().prefix(1))
        #expect(Set(shown) == Set(files))
    }

    /// The server that `make run` starts, a DPDK application, and every line, in the README's order.
    @Test func everyCommandWorksAndPrintsWhatIsShown() throws {
        let scene = try Scene()
        // The usual port may be taken on this machine; the lines below ask at the one that the server got.
        let server = try RunningProgram(
            scene.program, Console.argumentsOfRun() + ["--listen", "127.0.0.1:0"], environment: scene.environment)
        defer { server.kill(SIGTERM) }
        let greeting = try server.waitForOutput(containing: "Ctrl-C ends it.")
        let address = try #require(greeting.firstMatch(of: #/http:\/\/(127\.0\.0\.1:[0-9]+)\//#)?.1)
        let application = try scene.startDPDKApplication()
        defer { application.closeInput() }
        try scene.makeBigFile()
        try LTTngSession.lttng("list")  // a session daemon is there, and is none of the commands' children
        defer { scene.destroySession() }

        let commands = try Console.commands().filter { !$0.line.hasPrefix("make ") }
        #expect(commands.count >= 15)
        for command in commands {
            let output = try scene.run(command.line.replacingOccurrences(of: "127.0.0.1:9876", with: address))
            #expect(!output.isEmpty, "\(command.line)")
            if !command.shown.isEmpty { command.expect(output) }
            try scene.lookAfter(command.line, output)
        }
        server.kill(SIGINT)
        #expect(try server.wait().exit == .exited(0))
    }
}

/// A command of the README with the output that is shown below it.
private struct Console {
    let line: String
    var shown: [Substring] = []

    /// All of them, in order.
    static func commands() throws -> [Console] {
        var commands: [Console] = []
        for block in try Page("README.md").blocks where block.language == "console" {
            for line in block.lines {
                if line.hasPrefix("$ ") {
                    commands.append(Console(line: String(line.dropFirst(2))))
                } else {
                    commands[commands.count - 1].shown.append(line[...])
                }
            }
        }
        return commands
    }

    /// What `make run` gives the program.
    static func argumentsOfRun() throws -> [String] {
        let script = try Page.text(of: "scripts/run")
        let line = try #require(script.split(separator: "\n").first { $0.contains("|| set -- serve ") })
        return line.components(separatedBy: "set -- ")[1].split(separator: " ").map(String.init)
    }

    /// Compares: titles and what a table says of devices exactly, figures that grow by being figures.
    func expect(_ output: String) {
        let printed = output.split(separator: "\n")
        #expect(printed.count == shown.count, "\(line):\n\(output)")
        guard shown[0].allSatisfy({ $0.isUppercase || $0 == " " }) else {
            #expect(printed.map { Self.timeless($0) } == shown.map { Self.timeless($0) }, "\(line)")
            return
        }
        #expect(printed.first == shown[0], "\(line)")
        let titles = shown[0].split(separator: " ")
        for (printed, shown) in zip(printed, shown).dropFirst() {
            let (cells, expected) = (printed.split(separator: " "), shown.split(separator: " "))
            for (place, cell) in expected.enumerated() where cell != "…" {
                guard place < cells.count else { continue }
                if place < titles.count, ["SUBMITTED", "COMPLETED"].contains(titles[place]) {
                    #expect(Int(cells[place]) != nil && Int(cell) != nil, "\(line): \(printed)")
                } else {
                    #expect(cells[place] == cell, "\(line): \(printed)")
                }
            }
            #expect(expected.last == "…" ? cells.count > expected.count : cells.count == expected.count, "\(line)")
        }
    }

    /// Without how long it took and how fast it was.
    private static func timeless(_ text: Substring) -> String {
        String(text).replacing(#/in [0-9.]+ s: [0-9.]+ [KMGT]?i?B/s/#, with: "in … s: …/s")
    }
}

/// Where the commands run: all that they find and leave lies in one directory.
private final class Scene {
    let directory: TemporaryDirectory
    let program: String
    let environment: [String: String]
    /// What has to be in the recording that runs.
    private var recorded: [String] = []

    init() throws {
        directory = try TemporaryDirectory()
        program = try builtProduct("dmascope")
        let folders = ["run", "bin", "home"].map(directory.file)
        for folder in folders {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        environment = [
            "RUNTIME_DIRECTORY": folders[0], "LTTNG_HOME": folders[2],
            "PATH": "\(folders[1]):\(URL(fileURLWithPath: program).deletingLastPathComponent().path):\(path)",
        ]
        try findDaemon(from: folders[2])
        // What a reader has who stands in the package's folder and has installed Prometheus.
        try FileManager.default.createSymbolicLink(
            atPath: folders[1] + "/promtool", withDestinationPath: MetricsReaders.prometheus("promtool"))
        try FileManager.default.createSymbolicLink(
            atPath: directory.file("dashboards"),
            withDestinationPath: Page.package.appendingPathComponent("dashboards").path)
        let client = folders[1] + "/dpdk-telemetry.py"
        try "#!/bin/sh\nexec '\(Self.script("dpdk-telemetry"))' \"$@\"\n".write(
            toFile: client, atomically: true, encoding: .utf8)
        chmod(client, 0o755)
    }

    /// The session daemon of a user is found by `LTTNG_HOME` too, but that of the superuser.
    private func findDaemon(from home: String) throws {
        guard geteuid() != 0 else { return }
        let own = ProcessInfo.processInfo.environment
        try FileManager.default.createSymbolicLink(
            atPath: home + "/.lttng", withDestinationPath: (own["LTTNG_HOME"] ?? own["HOME"] ?? "") + "/.lttng")
    }

    private static func script(_ name: String) -> String {
        Page.package.appendingPathComponent("scripts/\(name)").path
    }

    /// With the file prefix that DPDK takes by itself.
    func startDPDKApplication() throws -> RunningProgram {
        let application = try RunningProgram(
            Self.script("dpdk-test"),
            ["--no-huge", "-m", "512", "--no-pci", "--file-prefix=rte", "-l", "0,1", "--vdev=dma_skeleton"],
            environment: environment)
        try application.waitForOutput(containing: "RTE>>")
        return application
    }

    /// As large as the one that the README copies; a hole but for its end.
    func makeBigFile() throws {
        let path = directory.file("BIG.bin")
        try Data().write(to: URL(fileURLWithPath: path))
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.truncate(atOffset: 300_000_000 - 5)
        try file.seekToEnd()
        try file.write(contentsOf: Data("12345".utf8))
        try file.close()
    }

    /// Runs a line of shell, which has to succeed without complaints; what it printed. The output goes through a file: `lttng view` prints what all processes of the user did.
    func run(_ line: String) throws -> String {
        let output = directory.file("output")
        let result = try runProgram(
            "/bin/sh", ["-c", "cd '\(directory.path)' && { \(line)\n} >'\(output)'"], environment: environment,
            timeout: .seconds(120))
        #expect(result.exit == .exited(0), "\(line): \(result)")
        #expect(result.errors.isEmpty, "\(line): \(result)")
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: output))
        defer { try? file.close() }
        return String(decoding: try file.read(upToCount: 1_000_000) ?? Data(), as: UTF8.self)
    }

    /// What a reader would look for in the output, or do before the next command.
    func lookAfter(_ line: String, _ output: String) throws {
        switch line.split(separator: " ").prefix(2).joined(separator: " ") {
        case "echo /dmadev/info,0": #expect(output.contains("\"name\": \"dma0\""), "\(output)")
        case "curl -sS": #expect(output.contains("\ndmadev_moved_bytes_total{run_directory=\""), "\(output)")
        case "dmascope check": #expect(output.hasPrefix("DMADEV OK - 2 devices, 1 source | "), "\(output)")
        case "dmascope stat":
            #expect(output.contains(" s: dmascope bench ") && output.contains("\nPROCESS "), "\(output)")
        case "dmascope info": #expect(output.contains("dma0"), "\(output)")
        case "promtool check": #expect(output.contains("rules found"), "\(output)")
        case "dmascope trace" where line.contains(" export "):
            let text = try Data(contentsOf: URL(fileURLWithPath: directory.file("trace.json")))
            let object = try JSONSerialization.jsonObject(with: text) as? [String: Any]
            #expect((object?["traceEvents"] as? [Any])?.isEmpty == false)
        case "dmascope trace" where line.contains(" record "):
            #expect(output.contains("\nrecorded ") && output.contains("\n  dmascope trace report "), "\(output)")
        case "dmascope trace": #expect(output.contains("dmadev:copy"), "\(output)")
        case "dmascope copy":
            #expect(
                FileManager.default.contentsEqual(atPath: directory.file("BIG.bin"), andPath: directory.file("OUT.bin"))
            )
        case "lttng stop":
            // In all of the output: the session records other processes too, which may fill its beginning.
            for event in recorded {
                let found = try runProgram("/bin/grep", ["-q", "-m1", "-F", event, directory.file("output")])
                #expect(found.exit == .exited(0), "\(event)")
            }
        default: break
        }
        if line.hasSuffix("lttng start") {
            recorded =
                line.contains("burst")
                ? ["dmadev:burst: ", "dmadev_engine:completed_burst: "]
                : ["dmadev:submit: ", "dmadev_engine:operation_finish: "]
            try waitForCopies(50)
        }
    }

    private func waitForCopies(_ count: UInt64) throws {
        func completed() throws -> UInt64 {
            let rows = try outputOfProgram(program, ["stats", "--json"], environment: environment)
            return try JSONValue(parsing: rows).tree.elements.reduce(0) { $0 + ($1["completed"]?.unsigned ?? 0) }
        }
        let start = try completed()
        while try completed() < start + count {}
    }

    /// Nothing is left of the recording, also when a command failed before the one that ends it.
    func destroySession() {
        guard FileManager.default.fileExists(atPath: directory.file("home/.lttngrc")) else { return }
        _ = try? runProgram("/bin/sh", ["-c", "lttng --no-sessiond destroy"], environment: environment)
    }
}
