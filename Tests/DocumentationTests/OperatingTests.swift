import DMAController
import Foundation
import MetricsExporter
import OpenMetricsText
import TelemetryServer
import TestSupport
import Testing

/// The page for operators, held against the code.
@Suite struct OperatingTests {
    private let page = Result { try Page("Sources/dmascope/dmascope.docc/Operating.md") }

    @Test func itsLimitsAreTheUsualOnes() throws {
        let configuration = ControllerConfiguration()
        let rows = try page.get().table("what", "at most")
        let quota = Mirror(reflecting: configuration.quota).children.map { [$0.label ?? "", "\($0.value)"] }
        #expect(rows == quota)
        let text = try page.get().lines.joined(separator: "\n")
        #expect(text.contains("together may have \(configuration.maximumConnections) connections"))
        #expect(text.contains("takes \(TelemetryServer.Configuration().maximumClients) clients"))
    }

    @Test func everyMetricThatItNamesExists() throws {
        let rows = MetricTable.rows.map(\.description)
        var names = Set(rows.map(\.seriesName))
        for row in rows where row.kind == .histogram { names.formUnion(["_bucket", "_sum"].map { row.name + $0 }) }
        let expressions = try page.get().table("when", "expression").flatMap { $0[1...] }
        #expect(expressions.count > 10)
        for match in expressions.joined(separator: " ").matches(of: #/\b(?:dmadev|dmascope|process)_[a-z0-9_]+/#) {
            #expect(names.contains(String(match.output)), "\(match.output)")
        }
    }

    @Test func everyOptionThatItNamesExists() throws {
        let program = try builtProduct("dmascope")
        for subcommand in ["serve", "metrics"] {
            let help = try outputOfProgram(program, [subcommand, "--help"])
            for word in try page.get().codeWords where word.hasPrefix("dmascope \(subcommand) ") {
                for option in word.split(separator: " ") where option.hasPrefix("--") {
                    #expect(help.contains(option), "\(word)")
                }
            }
        }
        let help = try outputOfProgram(program, ["serve", "--help"])
        for word in try page.get().codeWords where word.hasPrefix("--") {
            #expect(help.contains(word.split(separator: " ")[0]), "\(word)")
        }
    }

    /// The picture is made from what the program prints, by a script that still can.
    @Test func thePictureIsThatOfTheProgram() throws {
        let directory = try TemporaryDirectory()
        let file = directory.file("picture.svg")
        let script = Page.package.appendingPathComponent("scripts/terminal-picture").path
        let result = try runProgram(
            script, [builtProduct("dmascope"), file], environment: ["TMPDIR": directory.path], timeout: .seconds(120))
        #expect(result.exit == .exited(0) && result.errors.isEmpty, "\(result)")
        let texts = try [
            file, Page.package.appendingPathComponent("Sources/dmascope/dmascope.docc/Resources/terminal.svg").path,
        ]
        .map(Self.lines)
        for lines in texts {
            #expect(lines.filter { $0.hasPrefix("$ ") } == texts[0].filter { $0.hasPrefix("$ ") })
            #expect(lines.count { $0.hasPrefix("     0  dma0      0") } == 3, "\(lines)")
            #expect(lines.contains { $0.hasPrefix("2 devices, 3 channels, ") })
        }
        // The columns are those of today.
        let titles = texts.map { lines in
            lines.filter { $0.hasPrefix("ID  ") || $0.hasPrefix("DEVICE  ") }.map { $0.split(separator: " ") }
        }
        #expect(titles[0] == titles[1])
        #expect(try directory.contents == ["picture.svg"])
    }

    /// What a reader of XML finds in the picture, line by line.
    private static func lines(of file: String) throws -> [String] {
        let script = """
            import sys, xml.etree.ElementTree as tree
            for text in tree.parse(sys.argv[1]).getroot().iter("{http://www.w3.org/2000/svg}text"):
                print("".join(text.itertext()))
            """
        return try outputOfProgram("/usr/bin/python3", ["-c", script, file], environment: ["PYTHONUTF8": "1"])
            .split(separator: "\n").map(String.init)
    }
}

/// The units for systemd.
@Suite struct ServiceUnitTests {
    private static let units = [("dmascope", "serve"), ("dmascope-monitor", "monitor")]

    private func path(_ unit: String) -> String {
        Page.package.appendingPathComponent("packaging/\(unit).service").path
    }

    @Test(arguments: units) func systemdTakesIt(unit: String, command: String) throws {
        let directory = try TemporaryDirectory()
        // The program is not installed where the unit looks for it.
        let program = try builtProduct("dmascope")
        let text = try String(contentsOfFile: path(unit), encoding: .utf8)
        #expect(text.contains("ExecStart=/usr/bin/dmascope \(command)"))
        // No group of calls has it, and the unit's filter ends a process for a call that it does not allow.
        #expect(text.contains("\nSystemCallFilter=memfd_secret\n") == (command == "serve"))
        #expect(text.contains("\nType=notify\n") && text.contains("\nWatchdogSec="))
        let copy = directory.file("\(unit).service")
        try text.replacing("/usr/bin/dmascope", with: program).write(toFile: copy, atomically: false, encoding: .utf8)
        let systemd = try requiredTool("systemd-analyze", package: "systemd")
        let result = try runProgram(systemd, ["verify", "--man=no", copy])
        #expect(result.exit == .exited(0) && result.errors.isEmpty, "\(result)")
        // Of 100; a unit that forbids nothing has 96.
        let security = try runProgram(systemd, ["security", "--offline=true", "--threshold=19", copy])
        #expect(security.exit == .exited(0), "\(security)")
    }

    @Test(arguments: units) func theProgramTakesItsOptions(unit: String, command: String) throws {
        let text = try String(contentsOfFile: path(unit), encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("ExecStart=") })
        let help = try outputOfProgram(builtProduct("dmascope"), [command, "--help"])
        let options = line.split(separator: " ").filter { $0.hasPrefix("--") }
        #expect(!options.isEmpty && options.allSatisfy { help.contains($0) })
    }

    /// The monitor must see what its unit could hide.
    @Test func theUnitOfTheMonitorHidesNoRunDirectory() throws {
        let text = try String(contentsOfFile: path("dmascope-monitor"), encoding: .utf8)
        #expect(!text.contains("\nPrivateTmp=") && text.contains("\nProtectHome=read-only\n"))
        for name in ["AmbientCapabilities", "CapabilityBoundingSet"] {
            #expect(text.contains("\n\(name)=CAP_DAC_OVERRIDE\n"))
        }
    }

    @Test func theUsersOfTheUnitsAreMade() throws {
        let users = Page.package.appendingPathComponent("packaging/dmascope.sysusers").path
        let systemd = try requiredTool("systemd-sysusers", package: "systemd")
        let result = try runProgram(systemd, ["--dry-run", users])
        #expect(result.exit == .exited(0), "\(result)")
        let text = try String(contentsOfFile: users, encoding: .utf8)
        for (unit, _) in Self.units {
            let lines = try String(contentsOfFile: path(unit), encoding: .utf8).split(separator: "\n")
            let user = try #require(lines.first { $0.hasPrefix("User=") }).dropFirst("User=".count)
            #expect(text.contains("\nu \(user) "))
        }
    }
}
