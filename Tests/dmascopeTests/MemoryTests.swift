import Foundation
import TelemetryTestSupport
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
                "sysfs", "debugfs", "buffers", "regions", "attachments", "sources",
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
        // A directory without processes is no machine without dma-bufs.
        expect(
            try scope.run("memory", "list", "--procfs", scope.directory.path), exits: 1,
            saying: "there are no processes")
    }

    @Test func theMachineIsLookedIntoUnlessToldOtherwise() throws {
        let json = try Scope().json("memory", "list")
        #expect(json["proc"] == .string("read") && (json["processes"]?.unsigned ?? 0) > 0)
    }

    // MARK: What processes report

    /// A process with two regions and two attachments, whose names come from others.
    private static let replies = [
        #"{"/":["/","/dmadev/interconnects","/dmadev/memory"]}"#,
        #"""
        {"/dmadev/interconnects":{"count":3,"states":{"mapped":1,"dead":2},"revocations":2,
        "fallbacks":[{"interconnect":"rdma","reason":"no link","count":5}],"attachments":[
        {"id":1,"state":"mapped","exporter":"frames\n9","inode":11,"bytes":65536,"importer":"dma0","dev_id":0,
        "interconnect":"system_memory","choice":"one is not supported","fallbacks":[{"interconnect":"rdma",
        "reason":"no link"}],"maps":1,"direction":"to_device","nb_ranges":1,
        "ranges":[{"address":4096,"length":65536}],"iovas":[{"iova":8192,"length":65536}]},
        {"id":2,"state":"dead","exporter":"region 1","inode":0,"region":1,"bytes":8192,"importer":"dma0","dev_id":0,
        "interconnect":"pair","choice":"first choice of the exporter","fallbacks":[],"maps":0}]}}
        """#,
        #"""
        {"/dmadev/memory":{"count":2,"kinds":[{"kind":"dma-buf","regions":1,"bytes":65536},{"kind":"memory","regions":1,
        "bytes":8192}],"regions":[{"region":1,"address":1048576,"length":8192,"kind":"memory","uses":[]},
        {"region":2,"address":2097152,"length":65536,"kind":"dma-buf","exporter":"udmabuf","inode":11,"size":65536,
        "uses":["mapped by device 0 'dma\u001b0' at IOVA 0x1000","attached by process 7"]}]}}
        """#,
    ]

    private func peers(in scope: Scope) throws -> [FakePeer] {
        let replies = Self.replies.map { $0.replacing("\n", with: "") }
        let steps: [FakePeer.Step] =
            [.send(FakePeer.greeting)] + replies.flatMap { [.receive, .send($0)] } + [.waitForEnd]
        return [
            try FakePeer(scope.makeSocket("camera"), steps),
            try FakePeer(scope.makeSocket("odd"), [.send("hello"), .waitForEnd]),
        ]
    }

    @Test func regionsAndAttachmentsOfProcessesFollowTheBuffersOfTheMachine() throws {
        let scope = try Scope()
        let peers = try peers(in: scope)
        let result = try scope.run(["memory", "list", "--scrape-timeout", "60"] + Self.options)
        #expect(result.exit == .exited(0) && result.errors.isEmpty, "\(result)")
        let sections = result.output.split(separator: "\n\n")
        try #require(sections.count == 3, "\(result.output)")
        #expect(sections[0].hasPrefix("INODE  EXPORTER") && rows(String(sections[0])).count == 3)
        let pid = getpid()
        #expect(
            String(sections[1]) == """
                Regions of processes
                PROCESS\(blanks(pid))  REGION   ADDRESS  BYTES  KIND     INODE  EXPORTER  USES
                camera(\(pid))       1  0x100000   8192  memory       -  -         -
                camera(\(pid))       2  0x200000  65536  dma-buf     11  udmabuf   \
                mapped by device 0 'dma\\u{1B}0' at IOVA 0x1000; attached by process 7
                """)
        let lines = sections[2].split(separator: "\n")
        #expect(lines[0] == "Attachments" && lines[1].hasSuffix("RANGES  FALLBACKS  WHY"))
        #expect(lines[2].contains("frames\\n9") && lines[2].hasSuffix("1          1  rdma: no link"))
        #expect(lines[3].contains("  dead ") && lines[3].hasSuffix("-          0  first choice of the exporter"))
        // What is missing is named: one attachment of the three, and a socket that serves no telemetry.
        #expect(lines[4].hasPrefix("left out 1 attachments of camera(\(pid)): "))
        #expect(lines[5].hasPrefix("cannot read the memory of odd(\(pid)): "))
        #expect(lines.count == 6)
        _ = peers
    }

    @Test func theSameAsJSONHasSumsAndFailures() throws {
        let scope = try Scope()
        let peers = try peers(in: scope)
        let result = try scope.run(["memory", "list", "--scrape-timeout", "60", "--json"] + Self.options)
        let json = try JSONValue(parsing: result.output).tree
        #expect(json["regions"]?.elements.map { $0["region"]?.unsigned } == [1, 2])
        #expect(json["regions"]?[1]?["path"]?.string == scope.socket("camera"))
        #expect(json["regions"]?[1]?["pid"]?.integer == Int64(getpid()))
        #expect(json["regions"]?[1]?["uses"]?[1]?.string == "attached by process 7")
        #expect(json["attachments"]?[0]?["fallbacks"]?[0]?["reason"]?.string == "no link")
        let sources = try #require(json["sources"]).elements
        #expect(sources.map { $0["state"]?.string } == ["answers", "failed"])
        #expect(sources[0]["memory"]?.keys == ["count", "kinds"])
        #expect(sources[0]["interconnects"]?["revocations"]?.unsigned == 2)
        #expect(sources[1]["failure"]?.string == "notTelemetry" && sources[1]["reason"]?.string?.isEmpty == false)
        _ = peers
    }

    @Test func aRegionIsFoundByItsFileAndByAnAddressInIt() throws {
        let scope = try Scope()
        let peers = try peers(in: scope)
        func show(_ name: String, _ options: String...) throws -> ProgramResult {
            try scope.run(["memory", "show", name, "--scrape-timeout", "60"] + options + Self.options)
        }
        for name in ["11", "0x20ffff"] {
            let result = try show(name)
            let sections = result.output.split(separator: "\n\n")
            try #require(sections.count == 4, "\(result)")
            #expect(sections[0].contains("  UID"))
            #expect(sections[1].split(separator: "\n").count == 3 && sections[2].split(separator: "\n").count == 3)
            let ranges = sections[3].split(separator: "\n").map { $0.split(separator: " ").dropFirst() }
            #expect(ranges[2] == ["1", "memory", "0x1000", "65536"] && ranges[3] == ["1", "iova", "0x2000", "65536"])
        }
        // No file: no holders, and the attachments to the region itself.
        let json = try JSONValue(parsing: show("0x100000", "--json").output).tree
        #expect(json.keys == ["regions", "attachments", "sources"])
        #expect(json["regions"]?.elements.count == 1)
        #expect(json["attachments"]?.elements.map { $0["id"]?.unsigned } == [2])
        #expect(try JSONValue(parsing: show("11", "--json").output).tree["holders"]?.elements.count == 2)
        // Behind the last byte.
        expect(try show("0x210000"), exits: 4, saying: "cannot read the memory of odd")
        expect(try show("0xg"), exits: 64, saying: "dmascope memory show --help")
        _ = peers
    }

    /// As many blanks as the title of a column needs to be as wide as `camera(PID)`.
    private func blanks(_ pid: Int32) -> String {
        String(repeating: " ", count: "camera(\(pid))".count - "PROCESS".count)
    }
}
