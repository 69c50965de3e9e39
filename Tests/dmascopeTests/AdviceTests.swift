import Foundation
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

@testable import CommandSupport

/// What commands say about names that do not exist, and instead of empty tables.
@Suite struct AdviceTests {
    private static let names = ["list", "info", "stats", "trace", "dma10", "/dmadev/list"]

    @Test(
        arguments: [
            ("lst", "list"), ("LIST", "list"), ("lits", "list"), ("tra", "trace"), ("dma1", "dma10"),
            ("/dmadev/lst", "/dmadev/list"), ("stat", "stats"), ("bogus", nil), ("", nil), ("x", nil),
            (String(repeating: "x", count: 1000), nil),
        ] as [(String, String?)])
    func theNearestNameIsSuggested(word: String, name: String?) {
        #expect(Suggestion.nearest(to: word, among: Self.names) == name)
    }

    @Test(arguments: [
        (["lst"], "there is no command lst (did you mean list?): see dmascope --help"),
        (["trace", "lits"], "there is no command trace lits (did you mean list?): see dmascope trace --help"),
        (["help", "trace", "lst"], "there is no command trace lst (did you mean list?): see dmascope trace --help"),
        (["bogus", "--json"], "there is no command bogus: see dmascope --help"),
        (["list", "--jsn"], "Did you mean '--json'"),
    ])
    func anUnknownCommandIsAnsweredWithTheNearest(arguments: [String], sentence: String) throws {
        expect(try Scope().run(arguments), exits: 64, saying: sentence)
    }

    @Test(arguments: ["list", "trace list", "demo pair", "group"]) func helpIsACommand(command: String) throws {
        let scope = try Scope()
        let words = command.split(separator: " ").map(String.init)
        let help = try scope.run(["help"] + words)
        #expect(help.exit == .exited(0) && help.output.contains("USAGE: dmascope \(command)"))
        #expect(try help.output == scope.run(words + ["--help"]).output)
    }

    @Test func namesOfATargetAreSuggested() throws {
        let scope = try Scope()
        let server = try scope.serve()
        defer { server.kill(SIGTERM) }
        expect(
            try scope.run("info", "dam1"), exits: 4, saying: "there is no device dam1 (did you mean dma1?) at")
        expect(try scope.run("stats", "dma:0"), exits: 4, saying: "did you mean dma0?")
        expect(
            try scope.run("query", "dmascope", "/dmadev/vchan,0"), exits: 4,
            saying: "there is no command /dmadev/vchan (did you mean /dmadev/vchans?)")
        expect(
            try scope.run("query", "dmascope", "/dmadev/vchans,77"), exits: 4,
            saying: "there is no device 77: ")
        expect(try scope.run("list", "--file-prefix", "dmascop"), exits: 3, saying: "(did you mean dmascope?)")
    }

    @Test(arguments: [
        ("list", "No devices: "), ("info", "No devices: "), ("vchans", "No channels: "), ("stats", "No channels: "),
    ])
    func aProcessWithoutDevicesIsASentence(command: String, sentence: String) throws {
        let scope = try Scope()
        for arguments in [[command], [command, "--json"]] {
            let peer = try FakePeer(
                scope.makeSocket("p\(arguments.count)"),
                [.send(FakePeer.greeting), .receive, .send(#"{"/dmadev/list":[]}"#), .waitForEnd])
            let result = try scope.run(arguments + ["--file-prefix", "p\(arguments.count)"])
            #expect(result.exit == .exited(0), "\(result)")
            #expect(arguments.count == 2 ? result.output == "[]\n" : result.output.hasPrefix(sentence), "\(result)")
            withExtendedLifetime(peer) {}
        }
    }

    @Test func anEmptyTableIsASentence() throws {
        let scope = try Scope()
        let none = try scope.run("ps", "--interval", "0.01")
        #expect(none.output.hasPrefix("No process with DMA devices: start `dmascope serve`"), "\(none)")
        #expect(try scope.run("ps", "--interval", "0.01", "--json").output == "[]\n")

        let server = try scope.serve()
        defer { server.kill(SIGTERM) }
        for (command, sentence) in [
            (["group", "list"], "No access groups: "), (["group", "events"], "No events yet: "),
            (["errors"], "Nothing failed."),
        ] {
            let result = try scope.run(command)
            #expect(result.exit == .exited(0) && result.output.hasPrefix(sentence), "\(result)")
            if command[0] == "group" { #expect(try scope.run(command + ["--json"]).output == "[]\n") }
        }
    }

    @Test func aMachineWithoutBuffersIsASentence() throws {
        let scope = try Scope()
        // A procfs with one process, which has no files.
        let process = scope.directory.file("proc/1")
        for name in ["fd", "fdinfo"] {
            try FileManager.default.createDirectory(atPath: "\(process)/\(name)", withIntermediateDirectories: true)
        }
        for name in ["maps", "comm"] { try "".write(toFile: "\(process)/\(name)", atomically: false, encoding: .utf8) }
        let result = try scope.run(
            "memory", "list", "--procfs", scope.directory.file("proc"), "--sysfs", scope.runDirectory)
        #expect(result.exit == .exited(0) && result.output.hasPrefix("No dma-bufs: "), "\(result)")
    }
}
