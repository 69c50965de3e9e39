import Foundation
import LinuxSystem
import TelemetryClient
import TelemetryWire
import TestSupport
import Testing

@Suite struct ServeTests {
    @Test(arguments: [SIGTERM, SIGINT, SIGHUP, SIGQUIT]) func endsAtASignalAndLeavesNothing(signal: Int32) throws {
        let scope = try Scope()
        let server = try scope.serve("--workload", "copy")
        #expect(try scope.json("list").elements.count == 2)
        server.kill(signal)
        let result = try server.wait()
        #expect(result.exit == .exited(0), "\(result)")
        #expect(result.errors == "")
        #expect(try scope.leftovers.isEmpty)
    }

    /// Its workload waits for a copy that never finishes.
    @Test func aFrozenDeviceHoldsNoSignalUp() throws {
        let scope = try Scope()
        let processor = try #require(ProcessorSet.allowed().numbers.first)
        let server = try scope.serve(
            "--device", "fault,freeze=5,cpus=\(processor)", "--workload", "copy", "--stuck-after", "0.05")
        try eventually("the channel is stuck") {
            try scope.json("vchans").elements.first?["state"]?.string == "stuck"
        }
        #expect(try scope.json("list").elements.first?["state"]?.string == "stuck")
        #expect(rows(try scope.run("list").output)[0][3] == "stuck")
        // That of the device, and that of the controller.
        let engines = try JSONValue(parsing: scope.run("query", "dmascope", "/dmadev/engines").output).tree
        let rows = engines["/dmadev/engines"]?.elements ?? []
        #expect(rows.map { $0["name"]?.string } == ["dma-engine", "dma-controller"])
        #expect(rows.first?["cpus"]?.string == "\(processor)" && rows.first?["operations"]?.unsigned == 4)
        try eventually("the channel is frozen") {
            let channel = try scope.json("stats").elements.first
            return channel?["completed"]?.unsigned == 4 && channel?["submitted"]?.unsigned ?? 0 > 4
        }
        server.kill(SIGTERM)
        #expect(try server.wait().exit == .exited(0))
        #expect(try scope.leftovers.isEmpty)
    }

    @Test func theSecondSignalEndsItAtOnce() throws {
        let server = try Scope().serve()
        // Both signals wait when it goes on: it takes one and dies of the other.
        server.kill(SIGSTOP)
        server.kill(SIGTERM)
        server.kill(SIGINT)
        server.kill(SIGCONT)
        #expect([.signalled(SIGTERM), .signalled(SIGINT)].contains(try server.wait().exit))
    }

    @Test func aHangUpThatIsIgnoredStaysIgnored() throws {
        let scope = try Scope()
        let script = "trap '' HUP; exec \"$0\" serve --listen off"
        let server = try RunningProgram("/bin/sh", ["-c", script, scope.program], environment: scope.environment)
        try server.waitForOutput(containing: "Ctrl-C")
        server.kill(SIGHUP)
        #expect(try scope.json("list").elements.count == 2)
        server.kill(SIGTERM)
        #expect(try server.wait().exit == .exited(0))
    }

    @Test(arguments: [8, 24, 63]) func withoutEnoughDescriptorsItSaysSo(limit: Int) throws {
        let scope = try Scope()
        let script = "ulimit -n \(limit); exec \"$0\" serve"
        let result = try runProgram("/bin/sh", ["-c", script, scope.program], environment: scope.environment)
        expect(result, exits: 1, saying: "needs 64 file descriptors, and the limit is \(limit): raise it")
        #expect(try scope.leftovers.isEmpty)
    }

    @Test func aNameCannotTurnTheTextAround() throws {
        let scope = try Scope()
        let server = try scope.serve("--device", "software,name=a\u{202E}b\u{2066}c")
        defer { server.kill(SIGTERM) }
        let text = try scope.run("list").output
        #expect(text.contains(#"a\u{202E}b\u{2066}c"#), "\(text)")
    }

    @Test func tenantsAreUsersOrControlGroups() throws {
        let scope = try Scope()
        let server = try scope.serve("--tenant-by", "cgroup")
        #expect(try scope.json("list").elements.count == 2)
        server.kill(SIGTERM)
        #expect(try server.wait().exit == .exited(0))
        let result = try scope.run("serve", "--tenant-by", "group")
        #expect(result.exit == .exited(64) && result.errors.contains("'user' and 'cgroup'"), "\(result)")
    }

    @Test func itServesWithoutTheCallsOfNewerKernels() throws {
        let scope = try Scope()
        let calls = "peerpidfd,statx,memfd-secret,membarrier"
        let server = try RunningProgram(
            builtProduct("refuse-calls"), [calls, scope.program, "serve", "--listen", "off"],
            environment: scope.environment)
        try server.waitForOutput(containing: "Ctrl-C")
        #expect(try scope.json("list").elements.count == 2)
        server.kill(SIGTERM)
        let result = try server.wait()
        #expect(result.exit == .exited(0) && result.errors == "", "\(result)")
        #expect(try scope.leftovers.isEmpty)
    }

    @Test func aKilledServerIsReplacedAtItsSocket() throws {
        let scope = try Scope()
        let killed = try scope.serve()
        killed.kill(SIGKILL)
        #expect(try killed.wait().exit == .signalled(SIGKILL))
        #expect(FileManager.default.fileExists(atPath: scope.socket()))
        expect(try scope.run("list"), exits: 3, saying: "the process of this socket has ended without removing it")

        let server = try scope.serve()
        #expect(try TelemetryClient(path: scope.socket()).greeting.pid == Int64(server.processID))
    }

    @Test(.enabled(if: geteuid() == 0, "only the superuser gives files to any group"))
    func theControlSocketBelongsToTheGroupThatIsNamed() throws {
        let scope = try Scope()
        for (name, group) in [("daemon", getgrnam("daemon").pointee.gr_gid), ("54321", 54321)] as [(String, gid_t)] {
            let server = try scope.serve("--controller-group", name)
            let socket = try FileManager.default.attributesOfItem(
                atPath: scope.runDirectory + "/dmascope/dmascope.control")
            #expect(socket[.groupOwnerAccountID] as? NSNumber == NSNumber(value: group), "\(name)")
            #expect(socket[.posixPermissions] as? NSNumber == 0o660, "\(name)")
            server.kill(SIGTERM)
            try server.wait()
        }
        let refused = try scope.run("serve", "--controller-group", "no-such-group")
        #expect(refused.exit == .exited(64) && refused.errors.contains("there is no group no-such-group"), "\(refused)")
    }

    @Test func asManyAsWantServeSideBySide() throws {
        let scope = try Scope()
        let first = try scope.serve()
        let second = try scope.serve()
        #expect(second.outputSoFar.contains("dpdk_telemetry.v2:1"))
        #expect(second.outputSoFar.contains("--instance 1"))
        first.kill(SIGTERM)
        try first.wait()
        // The prefix finds the one that lives.
        #expect(try scope.json("list").elements.count == 2)
    }

    @Test func makesTheDevicesThatAreAskedFor() throws {
        let scope = try Scope()
        let server = try scope.serve(
            "--device", "software,name=a,engine=e0,vchans=3", "--device", "software,engine=e0,capabilities=fill",
            "--device", "software", "--workload", "copy")
        let list = try scope.json("list").elements
        #expect(list.map { $0["name"]?.string } == ["a", "dma0", "dma1"])
        #expect(list.map { $0["max_vchans"] } == [.integer(3), .integer(64), .integer(64)])
        #expect(list.map { $0["shared_engine"] } == [.integer(1), .integer(1), .integer(0)])
        // It cannot copy: shown all the same.
        #expect(list.map { $0["started"] } == [.integer(1), .integer(0), .integer(1)])
        server.kill(SIGTERM)
        let result = try server.wait()
        #expect(result.exit == .exited(0))
        #expect(result.errors.contains("device=dma0") && result.errors.contains("cannot start a device"))
    }

    @Test func theWorkloadMovesOnEveryChannelWithoutErrors() throws {
        let scope = try Scope()
        let server = try scope.serve("--workload", "copy", "--workload-rate", "5000")
        func completed() throws -> [UInt64] {
            try scope.json("stats").elements.map { $0["completed"]?.unsigned ?? 0 }
        }
        var last = try completed()
        #expect(last.count == 3)
        for _ in 0..<2 {
            let target = last.map { $0 + 100 }
            while zip(last, target).contains(where: <) { last = try completed() }
        }
        #expect(try scope.json("stats").elements.allSatisfy { $0["errors"] == .integer(0) })
        server.kill(SIGTERM)
        #expect(try server.wait().errors == "")
    }

    @Test func theWorkloadFitsIntoTheSmallestDevice() throws {
        let scope = try Scope()
        let server = try scope.serve(
            "--device", "software,max-desc=1,vchans=1", "--workload", "copy", "--workload-rate", "1000000",
            "--log-level", "trace")
        while try scope.json("stats", "0:0").elements[0]["completed"]?.unsigned ?? 0 < 1000 {}
        server.kill(SIGINT)
        let result = try server.wait()
        #expect(result.exit == .exited(0))
        #expect(result.errors.contains("info"))
        #expect(!result.errors.contains("error"))
    }

    @Test func isAControllerUnlessItIsToldNotToBe() throws {
        let scope = try Scope()
        let (first, second) = (try scope.serve(), try scope.serve())
        for (server, name) in [(first, "dmascope.control"), (second, "dmascope.control:1")] {
            let path = scope.runDirectory + "/dmascope/" + name
            let argument = "controller,socket=" + path
            #expect(server.outputSoFar.contains("--device \(argument)\n"))
            let user = try RunningProgram(
                scope.program, ["serve", "--file-prefix", "user", "--no-controller", "--device", argument],
                environment: scope.environment)
            try user.waitForOutput(containing: "Ctrl-C ends it.")
            #expect(!user.outputSoFar.contains("Controller for"))
            #expect(
                try scope.json("list", "--file-prefix", "user").elements.map { $0["driver"]?.string } == ["controller"])
            user.kill(SIGTERM)
            try user.wait()
        }
        for server in [first, second] {
            server.kill(SIGTERM)
            #expect(try server.wait().exit == .exited(0))
        }
        #expect(try scope.leftovers.isEmpty)
    }

    @Test func printsLinesThatWork() throws {
        let scope = try Scope()
        let server = try scope.serve()
        let lines = server.outputSoFar.split(separator: "\n").filter { $0.hasPrefix("  \(scope.program)") }
        #expect(lines.count == 3)
        for line in lines {
            #expect(try runProgram("/bin/sh", ["-c", String(line)]).exit == .exited(0), "\(line)")
        }
    }

    @Test func aDirectoryThatCannotBeUsedIsRefused() throws {
        let scope = try Scope()
        let nowhere = scope.directory.file("nowhere")
        expect(
            try runProgram(scope.program, ["serve"], environment: ["RUNTIME_DIRECTORY": nowhere]), exits: 1,
            saying: nowhere)

        try FileManager.default.createDirectory(
            atPath: scope.runDirectory + "/dpdk", withIntermediateDirectories: false)
        chmod(scope.runDirectory + "/dpdk", 0o777)
        expect(try scope.run("serve"), exits: 1, saying: "group and others must not have write permission")

        let long = String(repeating: "x", count: 100)
        expect(try scope.run("serve", "--file-prefix", long), exits: 1, saying: "at most 107")
        expect(try scope.run("serve", "--file-prefix", "a/b"), exits: 64, saying: "without a slash")
    }

    @Test func withoutStandardOutputItEndsInGoodOrder() throws {
        let scope = try Scope()
        let result = try runProgram(
            "/bin/bash", ["-c", "exec '\(scope.program)' serve --listen off >&-"], environment: scope.environment)
        expect(result, exits: 1, saying: "cannot write to standard output")
        #expect(try scope.leftovers.isEmpty)
    }
}
