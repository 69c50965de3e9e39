import Foundation
import TelemetryWire
import TestSupport
import Testing

@Suite struct CopyTests {
    /// Bytes that repeat nowhere near a chunk.
    static func bytes(_ count: Int) -> Data {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        return Data(
            (0..<count).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1
                return UInt8(truncatingIfNeeded: state >> 56)
            })
    }

    @Test(
        arguments: [0, 1, 4095, 65537, 3_000_001],
        [
            [], ["--chunk", "4095", "--burst", "3"],
            ["--chunk", "64K", "--vchans", "3", "--device", "software,max-desc=2"],
        ])
    func copiesEveryByte(count: Int, options: [String]) throws {
        let scope = try Scope()
        let (source, copy) = (scope.directory.file("source"), scope.directory.file("copy"))
        try Self.bytes(count).write(to: URL(fileURLWithPath: source))
        let result = try scope.run(["copy", source, copy, "--verify"] + options)
        #expect(result.exit == .exited(0), "\(result)")
        #expect(result.output.hasPrefix("copied ") && result.output.hasSuffix(", verified\n"))
        #expect(result.errors == "")
        #expect(FileManager.default.contentsEqual(atPath: source, andPath: copy))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: scope.directory.path).sorted() == [
                "copy", "run", "source",
            ])
        #expect(try scope.leftovers.isEmpty)
    }

    @Test func tellsWhatItDidAsJSON() throws {
        let scope = try Scope()
        let (source, copy) = (scope.directory.file("source"), scope.directory.file("copy"))
        try Self.bytes(10_000).write(to: URL(fileURLWithPath: source))
        let result = try scope.json("copy", source, copy, "--chunk", "1K", "--vchans", "2")
        #expect(result["source"] == .string(source))
        #expect(result["destination"] == .string(copy))
        #expect(result["bytes"] == .integer(10_000))
        #expect(result["operations"] == .integer(10))
        #expect(result["vchans"] == .integer(2))
        #expect(result["verified"] == .bool(false))
        #expect(try #require(result["seconds"]?.double) > 0)
        #expect(try #require(result["bytes_per_second"]?.double) > 0)
    }

    @Test func keepsThePermissions() throws {
        let scope = try Scope()
        let (source, copy) = (scope.directory.file("source"), scope.directory.file("copy"))
        try Self.bytes(10).write(to: URL(fileURLWithPath: source))
        chmod(source, 0o451)
        #expect(try scope.run("copy", source, copy).exit == .exited(0))
        #expect(try FileManager.default.attributesOfItem(atPath: copy)[.posixPermissions] as? Int == 0o451)
    }

    @Test func replacesAFileOnlyWhenForced() throws {
        let scope = try Scope()
        let (source, copy) = (scope.directory.file("source"), scope.directory.file("copy"))
        try Self.bytes(100).write(to: URL(fileURLWithPath: source))
        try Self.bytes(200).write(to: URL(fileURLWithPath: copy))
        expect(try scope.run("copy", source, copy), exits: 1, saying: "exists")
        #expect(try Data(contentsOf: URL(fileURLWithPath: copy)).count == 200)
        #expect(try scope.run("copy", source, copy, "--force").exit == .exited(0))
        #expect(FileManager.default.contentsEqual(atPath: source, andPath: copy))
        expect(try scope.run("copy", source, source, "--force"), exits: 1, saying: "is the source file")
    }

    @Test func aTakenPrefixIsNoObstacle() throws {
        let scope = try Scope()
        let server = try scope.serve()
        let (source, copy) = (scope.directory.file("source"), scope.directory.file("copy"))
        try Self.bytes(100).write(to: URL(fileURLWithPath: source))
        #expect(try scope.run("copy", source, copy).errors == "")
        // Nor is a directory that telemetry cannot use.
        let result = try runProgram(
            scope.program, ["copy", source, copy, "--force"], environment: ["RUNTIME_DIRECTORY": source])
        expect(result, exits: 0, saying: "warning: running without telemetry")
        server.kill(SIGTERM)
        try server.wait()
    }

    @Test func progressIsForTerminals() throws {
        let scope = try Scope()
        let (source, copy) = (scope.directory.file("source"), scope.directory.file("copy"))
        try Self.bytes(500_000).write(to: URL(fileURLWithPath: source))
        let options = "'\(source)' '\(copy)' --force --chunk 1"
        let shown = try scope.runOnTerminal("copy \(options)").output
        #expect(shown.contains("\rcopying "))
        #expect(shown.contains(" left"))
        #expect(shown.hasSuffix("500000 operations\r\n"))
        #expect(try !scope.runOnTerminal("copy \(options) --json").output.contains("\rcopying "))
    }
}
