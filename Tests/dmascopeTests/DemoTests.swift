import Foundation
import TelemetryWire
import TestSupport
import Testing

/// `dmascope demo pair`, beside a controller that serves and on its own.
@Suite struct DemoTests {
    private let scope: Scope

    init() throws {
        scope = try Scope()
    }

    /// The steps by their names.
    private func steps(_ tree: JSONTree) throws -> [String: JSONTree] {
        let steps = try #require(tree["steps"]?.elements)
        return try Dictionary(uniqueKeysWithValues: steps.map { (try #require($0["step"]?.string), $0) })
    }

    private func isGone(_ pid: Int64?) throws -> Bool {
        kill(pid_t(try #require(pid)), 0) != 0
    }

    @Test func tellsAMachineWhatHappenedBesideAControllerThatServes() throws {
        let server = try scope.serve()
        let file = scope.directory.file("file")
        try CopyTests.bytes(1_000_001).write(to: URL(fileURLWithPath: file))
        let tree = try scope.json("demo", "pair", "--file", file, "--chunk", "64K")
        let steps = try steps(tree)
        #expect(
            tree["steps"]?.elements.map { $0["step"]?.string } == [
                "start", "create", "join", "group", "read", "write", "forbidden_read", "traffic", "kill", "end",
            ])
        let start = try #require(steps["start"])
        #expect(start["private"]?.bool == false)
        #expect(start["controller"]?.string == scope.runDirectory + "/dmascope/dmascope.control")
        let (creator, joiner) = (start["creator_pid"]?.integer, start["joiner_pid"]?.integer)
        for step in ["read", "write"] {
            #expect(steps[step]?["verified"]?.bool == true && steps[step]?["bytes"]?.integer == 1_000_001)
            #expect(steps[step]?["operations"]?.integer == 16)
        }
        #expect(steps["forbidden_read"]?["status"]?.string == "invalid_src_addr")
        let members = try #require(steps["group"]?["reply"]?["members"]?.elements)
        #expect(members.map { $0["pid"]?.integer } == [creator, joiner])
        #expect(members.map { $0["devices"] } == [.array([.integer(0)]), .array([.integer(0)])])
        #expect(
            members[0]["windows"]?.elements.map { [$0["read"]?.integer, $0["write"]?.integer] } == [[1, 0], [0, 1]])

        // What was moved, by whom, and from and to whose memory.
        let peers = try #require(steps["traffic"]?["peers"]?.elements)
        #expect(peers.map { $0["pid"]?.integer } == [creator, joiner])
        #expect(peers.map { $0["operations"]?.unsigned } == [0, 33])
        #expect(peers.map { $0["bytes"]?.unsigned } == [0, 2_000_002])
        #expect(peers.map { $0["refused_accesses"]?.unsigned } == [0, 1])
        #expect(peers.map { $0["claimed_submitted"]?.unsigned } == [0, 33])
        let domains = try #require(steps["traffic"]?["domains"]?.elements)
        #expect(domains.map { $0["read_bytes"]?.unsigned } == [1_000_001, 0])
        #expect(domains.map { $0["written_bytes"]?.unsigned } == [1_000_001, 0])
        #expect(domains.map { $0["read_operations"]?.unsigned } == [16, 0])

        let event = try #require(steps["kill"])
        #expect(event["event"]?.string == "left" && event["handler"] == steps["join"]?["handler"])
        #expect(event["reply"]?["members"]?.elements.map { $0["pid"]?.integer } == [creator])
        #expect(try isGone(creator) && isGone(joiner))

        // The controller has recorded all of it, though nobody listened.
        let events = try scope.json("group", "events").elements.reversed()
        #expect(
            events.map { $0["event"]?.string } == [
                "created", "window_opened", "window_opened", "joined", "died", "window_closed", "window_closed",
                "destroyed",
            ])
        #expect(events.map { $0["pid"]?.integer } == [0, 0, 0, 1, 1, 0, 0, 0].map { [creator, joiner][$0] })
        #expect(events.last?["reason"]?.string == "destroyed")

        // The controller keeps nothing but its sums.
        #expect(try scope.json("group", "list") == .array([]))
        // It hears of the end of a process a moment later than the process's parent.
        var info = try scope.controllerInfo()
        while info["connections"] != .integer(0) { info = try scope.controllerInfo() }
        #expect(info["groups"]?.unsigned == 0, "\(info)")
        #expect(try #require(info["bytes"]?.unsigned) > 2_000_002)
        server.kill(SIGTERM)
        try server.wait()
        #expect(try scope.leftovers.isEmpty)
    }

    @Test func showsPeopleEachStepWithAControllerOfItsOwn() throws {
        let result = try scope.run("demo", "pair", "--size", "100000")
        #expect(result.exit == .exited(0), "\(result)")
        #expect(result.errors == "")
        let titles = result.output.split(separator: "\n").filter { $0.first?.isNumber == true }
        #expect(titles.map { Int($0.prefix { $0.isNumber }) } == Array(1...10))
        for sentence in [
            "started for this demonstration", "all bytes are correct in B", "all bytes are correct in A",
            "invalid_src_addr", "event left of handler 2",
        ] {
            #expect(result.output.contains(sentence), "\(sentence): \(result.output)")
        }
        // Its directory is gone, and nobody else has found it.
        let path = try #require(result.output.firstMatch(of: #/(/tmp/dmascope-demo-[^/]+)/control/#)?.1)
        #expect(!FileManager.default.fileExists(atPath: String(path)))
        #expect(try scope.leftovers.isEmpty)
    }

    @Test func bothProcessesEndWithASignalAndHaveNoSecretInTheirArguments() throws {
        let program = try scope.start("demo", "pair", "--size", "256M")
        let output = try program.waitForOutput(containing: "process B    pid ")
        let pids = output.matches(of: #/process [AB]    pid ([0-9]+)/#).map { String($0.1) }
        #expect(pids.count == 2)
        for pid in pids {
            let arguments = try Data(contentsOf: URL(fileURLWithPath: "/proc/\(pid)/cmdline")).split(separator: 0)
            #expect(arguments.count == 5 && arguments[2] == Data("member".utf8))
        }
        program.kill(SIGINT)
        let result = try program.wait()
        #expect(result.exit == .exited(130), "\(result)")
        for pid in pids { #expect(try isGone(Int64(pid))) }
        let path = try #require(output.firstMatch(of: #/(/tmp/dmascope-demo-[^/]+)/control/#)?.1)
        #expect(!FileManager.default.fileExists(atPath: String(path)))
    }

    @Test func theNextOneRemovesTheDirectoryOfOneThatWasKilled() throws {
        let killed = try scope.start("demo", "pair", "--size", "256M")
        let output = try killed.waitForOutput(containing: "process B    pid ")
        let path = String(try #require(output.firstMatch(of: #/(/tmp/dmascope-demo-[^/]+)/control/#)?.1))
        // As long as it lives, no other one removes it.
        #expect(try scope.run("demo", "pair", "--size", "1").exit == .exited(0))
        #expect(FileManager.default.fileExists(atPath: path + "/control"))
        killed.kill(SIGKILL)
        try killed.wait()
        #expect(try scope.run("demo", "pair", "--size", "1").exit == .exited(0))
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func aProcessThatIsNamedHasToBeAController() throws {
        expect(try scope.run("demo", "pair", "--file-prefix", "nobody"), exits: 3, saying: "start `dmascope serve`")
        let server = try scope.serve("--no-controller")
        expect(try scope.run("demo", "pair"), exits: 4, saying: "is not a controller")
        server.kill(SIGTERM)
        try server.wait()
    }

    @Test func filesThatCannotBeMovedAreRefused() throws {
        expect(try scope.run("demo", "pair", "--file", "/nowhere"), exits: 1, saying: "choose a readable file")
        expect(try scope.run("demo", "pair", "--file", "/dev/null"), exits: 1, saying: "not a regular file")
        let empty = scope.directory.file("empty")
        try Data().write(to: URL(fileURLWithPath: empty))
        expect(try scope.run("demo", "pair", "--file", empty), exits: 1, saying: "0 bytes")
        expect(
            try scope.run("demo", "pair", "--file", empty, "--size", "1"), exits: 64,
            saying: "dmascope demo pair --help")
    }
}
