import DMAController
import Foundation
import GuestMachine
import GuestTestSupport
import TelemetryWire
import TestSupport
import Testing

/// Three operating systems: a controller and an application here, `dmascope serve` and an application in each of two guests.
@Suite(.serialized, .enabled(if: Guest.unavailable == nil, "\(Guest.unavailable ?? "")"))
struct OSDomainGuestTests {
    /// `dmascope serve` with the memory and the channels of its guests, and an application of its controller.
    private final class Host {
        static let guestNames = ["one", "two"]

        let shares: [Guest.Share]
        let server: RunningProgram
        let member: MemberProcess
        private let directory: TemporaryDirectory

        init(_ session: LTTngSession) throws {
            let directory = try TemporaryDirectory()
            self.directory = directory
            shares = Self.guestNames.map { name in
                Guest.Share(
                    memory: directory.file(name + ".memory"), byteCount: 16 << 20, channel: directory.file(name))
            }
            for share in shares {
                guard FileManager.default.createFile(atPath: share.memory, contents: nil),
                    truncate(share.memory, share.byteCount) == 0
                else { throw TestSupportError("\(share.memory): \(errno)") }
            }
            let domains = zip(Self.guestNames, shares).flatMap { name, share in
                ["--os-domain", "name=\(name),memory=\(share.memory),channel=\(share.channel)"]
            }
            server = try session.start(
                builtProduct("dmascope"), ["serve", "--listen", "off", "--device", "software"] + domains,
                environment: ["RUNTIME_DIRECTORY": directory.path])
            try server.waitForOutput(containing: "Ctrl-C ends it.")
            member = try MemberProcess(
                running: session.start(
                    builtProduct("controller-member"), [directory.file("dmascope/dmascope.control")]))
        }

        /// What a command of dmascope prints.
        func scope(_ arguments: String...) throws -> String {
            try outputOfProgram(
                builtProduct("dmascope"), arguments, environment: ["RUNTIME_DIRECTORY": directory.path])
        }

        /// The numbers of its controller's connections, by operating system; empty: this one.
        func connections() throws -> [String: UInt64] {
            let reply = try JSONValue(parsing: scope("query", "dmascope", "/controller/peers")).tree
            let rows = reply["/controller/peers"]?.elements ?? []
            return Dictionary(
                rows.map { ($0["os_domain"]?.string ?? "", $0["number"]?.unsigned ?? 0) }, uniquingKeysWith: min)
        }

        /// Where the telemetry of the service in a guest is.
        func socket(of guest: String) -> String {
            TelemetryRunDirectory(root: directory.path).domain(guest).socketPath(filePrefix: "dmascope")
        }

        func end() throws {
            member.program.closeInput()
            #expect(try member.program.wait().exit == .exited(0))
            server.kill(SIGTERM)
            #expect(try server.wait().exit == .exited(0))
        }

        deinit { server.kill(SIGKILL) }
    }

    /// The flow of the RFC for two processes, with three operating systems: create, share the token, join, get the handlers,
    /// transfer, leave, events. All is recorded, here and in the guests, and each operation of a guest is found here.
    @Test func `host and two guests copy in one group, until one leaves and one dies`() throws {
        var guestTraces: [Trace] = []
        var connections: [String: UInt64] = [:]
        let trace = try LTTngSession.record { session in
            let host = try Host(session)
            let guests = try host.shares.map {
                try GuestMember($0, serve: "--device software --workload copy --workload-rate 20")
            }
            for guest in guests { try guest.waitUntilReady() }
            connections = try host.connections()
            #expect(Set(connections.keys) == ["", "one", "two"])
            let flow = try GroupFlow(host.member, guests[0], guests[1])
            try flow.createAndJoin()
            try flow.transfer()
            try flow.transferByChannels()
            try flow.refuseWhatIsNotAllowed()
            try expectTelemetry(of: host)
            try flow.leave()
            guestTraces = [try guests[0].end()]
            try flow.expectDeath()
            guestTraces.append(try guests[1].end())
            try eventually("nothing of the guests stays") { try host.connections().keys.elementsEqual([""]) }
            try host.end()
        }
        #expect(trace.discardedCount == 0)
        let engine = try EngineOperations(trace)
        for guest in guestTraces { try engine.expectAll(of: guest) }
        try engine.expectOne(of: guestTraces[1], connection: #require(connections["two"]))
        // The group's events are those that the members have seen.
        let joined = try trace.events(named: "dmadev_group:member_joined").map { try $0.fields()["handler"] }
        let handlers = try guestTraces.flatMap { $0.events(named: "dmadev:access_group_join") }.map {
            try $0.fields()
        }.filter { $0["ret"] == 0 }.map { $0["handler"] }
        #expect(joined == handlers && joined.count == 2)
        let died = try trace.events(named: "dmadev_group:member_left").map { try $0.fields()["died"] }
        #expect(died == [0, 1])
    }

    /// The host's commands show the devices of the guests.
    private func expectTelemetry(of host: Host) throws {
        for name in Host.guestNames {
            let prefix = "\(name)/dmascope"
            try eventually("the telemetry of \(name) is here") {
                FileManager.default.fileExists(atPath: host.socket(of: name))
            }
            let list = try JSONValue(parsing: host.scope("list", "--file-prefix", prefix, "--json")).tree
            #expect(list.elements.map { $0["driver"]?.string } == ["software"], "\(list)")
            try eventually("the devices of \(name) have copied") {
                let rows = try JSONValue(parsing: host.scope("stats", "--file-prefix", prefix, "--json")).tree.elements
                return rows.count == 1 && rows.allSatisfy { ($0["completed"]?.unsigned ?? 0) > 0 }
            }
        }
        let lines = try host.scope("metrics").split(separator: "\n")
        for place in ["/dpdk", "/dmascope/domains/one/dpdk", "/dmascope/domains/two/dpdk"] {
            let completed = lines.filter {
                $0.hasPrefix("dmadev_operations_completed_total{") && $0.contains("\(place)\",prefix=\"dmascope\"")
            }
            #expect(!completed.isEmpty, "\(place)")
        }
        for domain in ["", "one", "two"] {
            #expect(
                lines.contains { $0.hasPrefix("dmascope_source_info{") && $0.contains("domain=\"\(domain)\"") },
                "\(domain)")
        }
    }

    @Test func `the demonstration moves a file through two guests and back`() throws {
        let result = try runProgram(
            builtProduct("dmascope"), ["demo", "os", "--size", "300K", "--json"], timeout: .seconds(150))
        #expect(result.exit == .exited(0), "\(result)")
        let steps = try #require(try JSONValue(parsing: result.output).tree["steps"]).elements
        #expect(
            steps.map { $0["step"]?.string } == ["start", "to_first", "to_second", "to_host", "compare", "kill", "end"])
        #expect(steps[4]["verified"] == .bool(true))
        #expect(steps[5]["second_guest"] == .string("left") && steps[5]["status"] == .string("user_abort"))
    }

    @Test func `a demonstration that is killed leaves no guest and no memory, and the next one removes its directory`()
        throws
    {
        let demonstration = try RunningProgram(builtProduct("dmascope"), ["demo", "os"])
        let process = "/proc/\(demonstration.processID)"
        var emulators: [pid_t] = []
        try eventually("both emulators run") {
            let children = try? String(
                contentsOfFile: "\(process)/task/\(demonstration.processID)/children", encoding: .utf8)
            emulators = (children ?? "").split(separator: " ").compactMap { pid_t($0) }.filter { child in
                (try? String(contentsOfFile: "/proc/\(child)/comm", encoding: .utf8))?.hasPrefix("qemu") == true
            }
            return emulators.count == 2
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(process)/fd").compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "\(process)/fd/\($0)")
        }
        let directory = try #require(files.first { $0.hasPrefix("/tmp/dmascope-demo-") })
        demonstration.kill(SIGKILL)
        try demonstration.wait()
        try eventually("the emulators have ended") { emulators.allSatisfy { kill($0, 0) != 0 } }
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: "/dev/shm").allSatisfy { !$0.contains("dmascope-demo") }
        )
        let next = try runProgram(builtProduct("dmascope"), ["demo", "os", "--kernel", "/etc/passwd"])
        #expect(next.exit == .exited(1), "\(next)")
        #expect(!FileManager.default.fileExists(atPath: directory))
    }
}

@Suite struct OSDomainCapabilityTests {
    @Test func `a device whose controller has no guests lacks the capability`() throws {
        let directory = try TemporaryDirectory()
        let controller = try DMAController.start(path: directory.file("control"))
        defer { controller.stop() }
        let (creator, joiner) = (try MemberProcess(controller.path), try MemberProcess(controller.path))
        let token = Token()
        let made = try creator.create(token)
        _ = try joiner.number("join \(made.group) \(token.hex)", as: UInt16.self)
        let (window, own) = try joiner.copyPage(to: creator, in: made)
        _ = try joiner.ask("others os")
        #expect(try joiner.ask("copy \(own) \(window) 64 0 \(made.handler)") == "error \(EINVAL)")
        #expect(try joiner.ask("copy \(window) \(own) 64 \(made.handler) 0") == "error \(EINVAL)")
        #expect(try joiner.ask("channel \(made.handler) 0") == "error \(EINVAL)")
    }
}
