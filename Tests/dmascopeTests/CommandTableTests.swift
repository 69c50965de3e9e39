import ArgumentParser
import Foundation
import TestSupport
import Testing

@testable import dmascope

/// Every subcommand is one file and one row, and explains itself.
@Suite struct CommandTableTests {
    /// The names of the files, which are those of the subcommands.
    static let files: [String] = {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let sources = package.appendingPathComponent("Sources").path
        func names(in folder: String) -> [String] {
            (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        }
        let modules = names(in: sources).filter { $0 == "dmascope" || $0.hasSuffix("Commands") }
        return modules.flatMap { names(in: "\(sources)/\($0)/Commands") }
            .map { $0.replacingOccurrences(of: ".swift", with: "").lowercased() }.sorted()
    }()

    @Test func everyFileOfACommandHasARowAndEveryRowAFile() throws {
        let help = try Scope().run("--help").output
        let rows = try #require(help.components(separatedBy: "SUBCOMMANDS:\n").last).split(separator: "\n")
            .filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") && !$0.hasPrefix("  See") }
            .compactMap { $0.split(separator: " ").first.map(String.init) }
        #expect(rows.sorted() == Self.files)
    }

    /// A name that is made from the type costs time at each start of the program.
    @Test func everyCommandSaysItsName() {
        func nameless(_ command: any ParsableCommand.Type) -> [String] {
            (command.configuration.commandName == nil ? ["\(command)"] : [])
                + command.configuration.subcommands.flatMap(nameless)
        }
        #expect(nameless(Dmascope.self) == [])
    }

    @Test(arguments: files) func helpSucceeds(command: String) throws {
        let result = try Scope().run(command, "--help")
        #expect(result.exit == .exited(0))
        #expect(result.output.contains("OVERVIEW: "))
        #expect(result.output.contains("USAGE: dmascope \(command)"))
        #expect(result.errors.isEmpty)
    }

    @Test(arguments: [
        "audit", "bench", "copy", "demo dmabuf", "demo os", "demo pair", "errors", "group events", "group list",
        "group show",
        "info", "list", "memory list", "memory show", "metrics", "ps", "query", "stats", "top", "trace list",
        "trace report", "vchans",
    ])
    func aCommandWithAResultHasJSON(command: String) throws {
        #expect(try Scope().run(command.split(separator: " ").map(String.init) + ["--help"]).output.contains("--json"))
    }

    @Test func helpNamesEveryExitStatusAndDriver() throws {
        let scope = try Scope()
        let help = try scope.run("--help").output
        for status in [0, 1, 3, 4, 5, 6, 7, 64, 130, 143, 126, 127] { #expect(help.contains("\n  \(status) ")) }
        #expect(help.contains("\n  128+N "))
        #expect(try scope.run("serve", "--help").output.contains("software: "))
        #expect(try scope.run("--version").output.hasPrefix("dmascope "))
    }

    @Test(arguments: [
        (["bogus"], "dmascope --help"), (["copy"], "dmascope copy --help"),
        (["list", "extra"], "dmascope list --help"),
        (["list", "--timeout", "0"], "dmascope list --help"), (["list", "--timeout", "nan"], "dmascope list --help"),
        (["list", "--file-prefix", "a", "--socket", "/b"], "dmascope list --help"),
        (["copy", "a", "b", "--chunk", "0"], "dmascope copy --help"),
        (["copy", "a", "b", "--chunk", "2G"], "dmascope copy --help"),
        (["copy", "a", "b", "--chunk", "9999999999999G"], "dmascope copy --help"),
        (["copy", "a", "b", "--file-prefix", "x/y"], "dmascope copy --help"),
        (["serve", "--device", "hardware"], "dmascope serve --help"),
        (["serve", "--workload", "sleep"], "dmascope serve --help"),
        (["serve", "--stuck-after", "0"], "dmascope serve --help"),
        (["serve", "--listen", "9876"], "dmascope serve --help"),
        (["serve", "--scrape-timeout", "0"], "dmascope serve --help"),
        (["metrics", "--format", "xml"], "dmascope metrics --help"),
        (["metrics", "--once", "--interval", "1"], "dmascope metrics --help"),
        (["metrics", "--interval", "0"], "dmascope metrics --help"),
        (["metrics", "--json", "--format", "csv"], "dmascope metrics --help"),
        (["metrics", "--output", "x", "--mode", "0888"], "dmascope metrics --help"),
        (["metrics", "--mode", "0644"], "dmascope metrics --help"),
        (["trace", "list", "--bogus"], "dmascope trace list --help"),
        (["trace", "record", "--events", "all"], "dmascope trace record --help"),
        (["bench", "--size", "0"], "dmascope bench --help"), (["bench", "--size", "64,,1K"], "dmascope bench --help"),
        (["bench", "--size", "2G"], "dmascope bench --help"), (["bench", "--burst", "1,0"], "dmascope bench --help"),
        (["bench", "--vchans", "1025"], "dmascope bench --help"),
        (["bench", "--operation", "copy,move"], "dmascope bench --help"),
        (["bench", "--seconds", "0"], "dmascope bench --help"), (["bench", "--depth", "0"], "dmascope bench --help"),
        (["bench", "--csv", "--json"], "dmascope bench --help"),
        (["bench", "--device", "hardware"], "dmascope bench --help"),
        (["demo", "pair", "--size", "0"], "dmascope demo pair --help"),
        (["demo", "pair", "--chunk", "2G"], "dmascope demo pair --help"),
        (["demo", "pair", "--file", "a", "--size", "1"], "dmascope demo pair --help"),
        (["query", "/dmadev/info,0"], "dmascope query dmascope /dmadev/info,0: see dmascope query --help"),
        (["group", "show"], "dmascope group show --help"), (["group", "show", "-1"], "dmascope group"),
        (["group", "show", "32768"], "dmascope group show --help"),
        (["group", "events", "257"], "dmascope group events --help"),
        (["errors", "0"], "dmascope errors --help"), (["errors", "257"], "dmascope errors --help"),
        (["top", "--count", "0"], "dmascope top --help"), (["top", "--interval", "0.01"], "dmascope top --help"),
        (["top", "--interval", "nan"], "dmascope top --help"), (["top", "--sort", "size"], "dmascope top --help"),
        (["top", "--all", "--file-prefix", "a"], "dmascope top --help"),
        (["vchans", "--file-prefix", "a", "--socket", "/b"], "dmascope vchans --help"),
    ])
    func aWrongCommandLineIsToldWithWhereToLook(arguments: [String], help: String) throws {
        expect(try Scope().run(arguments), exits: 64, saying: help)
    }
}
