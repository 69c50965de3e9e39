import Foundation
import TelemetryWire
import TestSupport
import Testing

/// The page about a slow program: its commands, in its order, with a session daemon of their own.
@Suite struct WalkthroughTests {
    private let page = Result { try Page("Sources/dmascope/dmascope.docc/FindingSlowOperations.md") }

    @Test func theCommandsFindTheCause() throws {
        let directory = try TemporaryDirectory()
        let steps = try Step.all(of: page.get())
        #expect(steps.count >= 7)
        try run(steps, in: directory)

        for (number, step) in steps.enumerated() {
            let output = try String(contentsOfFile: directory.file("\(number).out"), encoding: .utf8)
            let errors = try String(contentsOfFile: directory.file("\(number).err"), encoding: .utf8)
            if !step.isInBackground {
                let status = try String(contentsOfFile: directory.file("\(number).status"), encoding: .utf8)
                #expect(status == (step.line.contains(" check ") ? "2\n" : "0\n"), "\(step.line): \(output)\(errors)")
            }
            for line in step.shown { expect(output, shows: line, of: step) }
        }
        // What the page says of the figures.
        let (slow, better) = try (report("SLOW", directory), report("BETTER", directory))
        #expect(try part("queued", of: slow) > part("run", of: slow))
        #expect(try part("total", of: slow) > part("total", of: better))
        #expect(slow["largest_batch"]?.unsigned == 256 && better["largest_batch"]?.unsigned == 16)
        let slowest = try #require(slow["slowest"]?.elements.first)
        #expect(try #require(slowest["queued"]?.unsigned) > #require(slowest["run"]?.unsigned), "\(slowest)")
    }

    /// The output has a table with these titles, or begins so.
    private func expect(_ output: String, shows line: String, of step: Step) {
        let titles = line.split(separator: " ").map(String.init)
        guard titles.allSatisfy({ $0.allSatisfy { !$0.isLowercase } }) else {
            guard line.hasPrefix("DMADEV ") else { return }
            #expect(output.hasPrefix(line.prefix { !$0.isNumber }.dropLast()), "\(output)")
            return
        }
        // Columns may have been added.
        let isThere = output.split(separator: "\n").contains { printed in
            var left = titles[...]
            for title in printed.split(separator: " ") where left.first == String(title) { left = left.dropFirst() }
            return left.isEmpty
        }
        #expect(isThere, "\(step.line) prints no \(line):\n\(output)")
    }

    private func report(_ name: String, _ directory: TemporaryDirectory) throws -> JSONTree {
        let text = try outputOfProgram(
            builtProduct("dmascope"), ["trace", "report", "--json", directory.file(name)])
        let channels = try JSONValue(parsing: text).tree["channels"]?.elements ?? []
        #expect(channels.count == 1)
        return try #require(channels.first)
    }

    /// The median, in nanoseconds.
    private func part(_ name: String, of channel: JSONTree) throws -> UInt64 {
        try #require(channel["\(name)_p50"]?.unsigned, "\(channel)")
    }

    /// Runs the commands in one shell, as a reader does.
    private func run(_ steps: [Step], in directory: TemporaryDirectory) throws {
        let program = try builtProduct("dmascope")
        let lttng = try requiredTool("lttng-sessiond", package: "lttng-tools")
        let folder = directory.file("run")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        var lines = [
            "set -m", "cd '\(directory.path)'", "'\(lttng)' --no-kernel --daemonize >/dev/null 2>&1 </dev/null",
        ]
        for (number, step) in steps.enumerated() {
            if step.isInBackground {
                lines.append("\(step.command) >\(number).out 2>\(number).err &")
                lines.append("until dmascope vchans --file-prefix backup >/dev/null 2>&1; do :; done")
            } else {
                lines.append("{ \(step.command); } >\(number).out 2>\(number).err; echo $? >\(number).status")
            }
        }
        lines.append("daemon=$(cat \"${LTTNG_PID}\"); kill $daemon; tail --pid=$daemon -f /dev/null")
        let script = directory.file("script")
        try lines.joined(separator: "\n").write(toFile: script, atomically: true, encoding: .utf8)

        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        var environment = [
            "RUNTIME_DIRECTORY": folder, "NO_COLOR": "",
            "PATH": "\(URL(fileURLWithPath: program).deletingLastPathComponent().path):\(path)",
        ]
        var words = ["bash", script]
        if geteuid() == 0 {
            environment["LTTNG_PID"] = "/run/lttng/lttng-sessiond.pid"
            words =
                [
                    "unshare", "-m", "sh", "-c",
                    "mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /dev/shm && exec \"$@\"", "sh",
                ] + words
        } else {
            environment["LTTNG_HOME"] = folder
            environment["LTTNG_PID"] = folder + "/.lttng/lttng-sessiond.pid"
        }
        let result = try runProgram("/usr/bin/env", words, environment: environment, timeout: .seconds(300))
        #expect(result.exit == .exited(0), "\(result)")
    }
}

/// A command of the page, with lines of its output.
private struct Step {
    let line: String
    var shown: [String] = []

    var isInBackground: Bool { line.hasSuffix(" &") }
    var command: String { isInBackground ? String(line.dropLast(2)) : line }

    static func all(of page: Page) -> [Step] {
        var steps: [Step] = []
        for line in page.blocks.filter({ $0.language == "console" }).flatMap(\.lines) {
            if line.hasPrefix("$ ") {
                steps.append(Step(line: String(line.dropFirst(2))))
            } else {
                steps[steps.count - 1].shown.append(line)
            }
        }
        return steps
    }
}
