import Foundation
import TelemetryWire
import TestSupport
import Testing

/// `dmascope memory`, over the files of a guest that had three dma-bufs.
@Suite struct MemoryTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/GuestProc").path
    private static let options = ["--procfs", root + "/proc", "--sysfs", root + "/sys"]

    @Test func eachBufferIsListedOnceWithTheProcessesThatHaveIt() throws {
        let scope = try Scope()
        let result = try scope.run(["memory", "list"] + Self.options)
        #expect(
            result.output == """
                INODE  EXPORTER   SIZE  REFS  NAME                        PROCESSES
                   11  udmabuf   65536     4  frame                       dma-buffers(191) exe(196)
                   12  system    65536     1  texture                     dma-buffers(191)
                   13  system     4096     1  x\\n1\\t2\\t3\\t4\\tfake\\t99\\ty  dma-buffers(191)

                """)
        #expect(result.exit == .exited(0) && result.errors.isEmpty)
        let json = try JSONValue(parsing: scope.run(["memory", "list", "--json"] + Self.options).output).tree
        #expect(
            json.keys == [
                "count", "complete", "processes", "denied_processes", "truncated_processes", "out_of_time", "proc",
                "sysfs",
                "debugfs", "buffers",
            ])
        #expect(json["buffers"]?[0]?.keys == ["inode", "exporter", "name", "size", "references", "holder_count"])
    }

    @Test func theHoldersOfABufferAreShown() throws {
        let scope = try Scope()
        let result = try scope.run(["memory", "show", "11"] + Self.options)
        #expect(
            rows(result.output).map { [$0[0], $0[1]] + $0[3...] } == [
                ["191", "dma-buffers", "1", "1", "65536"], ["196", "exe", "1", "1", "65536"],
            ])
        expect(try scope.run(["memory", "show", "99"] + Self.options), exits: 4, saying: "memory list")
        expect(try scope.run("memory", "show", "x"), exits: 64, saying: "dmascope memory show --help")
        expect(
            try scope.run("memory", "list", "--procfs", scope.directory.file("none")), exits: 1, saying: "--procfs")
    }

    @Test func theMachineIsLookedIntoUnlessToldOtherwise() throws {
        let json = try Scope().json("memory", "list")
        #expect(json["proc"] == .string("read") && (json["processes"]?.unsigned ?? 0) > 0)
    }
}
