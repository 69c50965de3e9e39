import DMADev
import DMAEngine
import DMATelemetry
import Foundation
import LivePage
import SoftwareDriver
import TelemetryClient
import TelemetryServer
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

/// What a snapshot holds.
@Suite struct SnapshotTests {
    private let directory: TemporaryDirectory
    private var configuration = SnapshotCollector.Configuration()

    init() throws {
        directory = try TemporaryDirectory()
        configuration.directories = [directory.runDirectory]
        configuration.timeout = .seconds(60)
        // A machine without processes.
        configuration.procfs = directory.path
        configuration.sysfs = directory.path
    }

    private func snapshot() throws -> JSONTree { try SnapshotCollector(configuration).snapshot() }

    private func peer(_ prefix: String, _ steps: [FakePeer.Step]?) throws -> FakePeer {
        directory.makeRunDirectory(prefix)
        return try FakePeer(directory.runDirectory.socketPath(filePrefix: prefix), steps)
    }

    /// A peer that greets, and answers each request with the next of these.
    private static func answering(_ replies: [String]) -> [FakePeer.Step] {
        [.send(FakePeer.greeting)] + replies.flatMap { [.receive, .send($0)] } + [.waitForEnd]
    }

    @Test func withoutSocketsItSaysWhereItLooked() throws {
        let snapshot = try snapshot()
        #expect(snapshot["processes"]?.elements == [])
        #expect(snapshot["searched"]?[0]?.string == directory.runDirectory.applications)
        #expect(snapshot["program"]?.string == DmascopeVersion.text)
        #expect(try #require(snapshot["time_ns"]?.unsigned) > 0)
    }

    @Test func aDeviceIsToldWithItsChannels() throws {
        let registry = DeviceRegistry()
        let device = try registry.add(SoftwareDevice(engine: Engine()), named: "dma <&\"")
        try device.configure(DeviceConfiguration(virtualChannelCount: 2))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 64))
        let server = try TelemetryServer.start(
            filePrefix: "own", commands: DeviceCommands.table(for: registry), in: directory.runDirectory)
        defer { server.stop() }

        // The second channel is not set up: no request is about it, so none fails.
        let before = try #require(try snapshot()["processes"]?[0])
        #expect(before["failed_requests"]?.elements == [])
        let missing = try #require(before["devices"]?[0]?["vchans"]?[1])
        #expect(missing["state"]?.string == "not set up" && missing["counters"] == nil)

        try device.setUpVirtualChannel(1, configuration: VirtualChannelConfiguration(descriptorCount: 64))
        try device.start()
        defer {
            try? device.stop()
            try? device.close()
        }
        var source = [UInt64](repeating: 7, count: 8)
        var destination = source
        let channel = try device.virtualChannel(1)
        try source.withUnsafeMutableBytes { source in
            try destination.withUnsafeMutableBytes { destination in
                try channel.copy(
                    from: UInt64(UInt(bitPattern: source.baseAddress)),
                    to: UInt64(UInt(bitPattern: destination.baseAddress)), length: 64, flags: .submit)
                while try channel.completed(upTo: 1).count == 0 {}
            }
        }
        #expect(throws: DMAError.self) { try device.configure(DeviceConfiguration(virtualChannelCount: 1)) }

        let process = try #require(try snapshot()["processes"]?[0])
        #expect(process["prefix"]?.string == "own" && process["state"]?.string == "answers")
        #expect(process["pid"]?.integer == Int64(getpid()))
        #expect(process["version"]?.string == DmascopeVersion.text)
        #expect(process["name"]?.string?.isEmpty == false)
        #expect(process["failed_calls"]?[0]?["call"]?.string == "configure")
        #expect(process["groups"]?.elements == [] && process["events"]?.elements == [])
        let shown = try #require(process["devices"]?[0])
        #expect(shown["name"]?.string == "dma <&\"" && shown["driver"]?.string == "software")
        #expect(shown["capabilities"]?.elements.contains(.string("copy")) == true)
        #expect(shown["vchans"]?.elements.count == 2)
        let vchan = try #require(shown["vchans"]?[1])
        #expect(vchan["vchan"]?.unsigned == 1 && vchan["nb_desc"]?.unsigned == 64)
        #expect(vchan["counters"]?["completed"]?.unsigned == 1 && vchan["counters"]?["bytes"]?.unsigned == 64)
        #expect(vchan["latency"]?["count"]?.unsigned == 1)
        #expect(vchan["latency"]?["buckets"]?.elements.count == 1)
        #expect(try #require(vchan["read_ns"]?.unsigned) > 0)
    }

    @Test func whatDPDKOffersIsTold() throws {
        let peer = try peer(
            "dpdk",
            Self.answering([
                #"{"/":["/","/dmadev/info","/dmadev/list","/dmadev/stats"]}"#, #"{"/dmadev/list":[3]}"#,
                #"{"/dmadev/info":{"name":"<script>alert(1)</script>","nb_vchans":1,"capabilities":{"copy":1,"fill":0}}}"#,
                #"{"/dmadev/stats":{"submitted":5,"completed":4,"errors":1}}"#,
            ]))
        let process = try #require(try snapshot()["processes"]?[0])
        let device = try #require(process["devices"]?[0])
        #expect(device["name"]?.string == "<script>alert(1)</script>")
        #expect(device["capabilities"] == .array([.string("copy")]))
        let vchan = try #require(device["vchans"]?[0])
        #expect(vchan["counters"]?.keys == ["submitted", "completed", "errors"])
        #expect(vchan["latency"] == nil && vchan["nb_desc"] == nil)
        // From its counters: it has submitted more than it has completed.
        #expect(vchan["state"]?.string == "active")
        _ = peer
    }

    /// The page reckons with numbers and cuts texts: neither may be something else.
    @Test func whatIsOfAnotherKindIsLeftOut() throws {
        let peer = try peer(
            "odd",
            Self.answering([
                #"{"/":["/dmadev/info","/dmadev/list","/dmadev/stats","/dmadev/events","/telemetry/errors"]}"#,
                #"{"/dmadev/list":[0,"x",-1,99999,{}]}"#,
                #"{"/dmadev/events":[{"time_ns":1e300,"event":{}},7]}"#, #"{"/telemetry/errors":{"reason":"x"}}"#,
                #"{"/dmadev/info":{"name":7,"driver":["x"],"nb_vchans":1,"started":"yes","numa_node":-1}}"#,
                #"{"/dmadev/stats":{"submitted":"5","completed":1e300,"errors":18446744073709551615}}"#,
            ]))
        let process = try #require(try snapshot()["processes"]?[0])
        #expect(process["state"]?.string == "answers", "\(process)")
        let device = try #require(process["devices"]?[0])
        #expect(device.keys == ["id", "nb_vchans", "numa_node", "capabilities", "vchans"])
        #expect(device["vchans"]?[0]?["counters"] == .object([.init("errors", .unsigned(.max))]))
        #expect(process["events"] == .array([.object([]), .object([])]))
        #expect(process["failed_requests"]?.elements == [])
        _ = peer
    }

    @Test func oneThatHangsIsNamedWithTheReasonAndOthersAreTold() throws {
        var configuration = configuration
        configuration.timeout = .milliseconds(300)
        let mute = try peer("mute", nil)
        let strange = try peer("strange", [.send("hello"), .waitForEnd])
        let server = try TelemetryServer.start(filePrefix: "well", commands: [], in: directory.runDirectory)
        defer { server.stop() }
        let processes = try #require(try SnapshotCollector(configuration).snapshot()["processes"]).elements
        #expect(processes.map { $0["prefix"]?.string } == ["mute", "strange", "well"])
        #expect(processes.map { $0["state"]?.string } == ["failed", "failed", "answers"])
        #expect(processes.map { $0["failure"]?.string } == ["timedOut", "notTelemetry", nil])
        // The kernel reports the process of the listener, although it does not answer: this process.
        #expect(processes[0]["pid"]?.integer == Int64(getpid()))
        #expect(try #require(processes[0]["process_state"]?.string).count > 3)
        #expect(try #require(processes[0]["reason"]?.string).contains("did not answer in time"))
        #expect(processes[2]["has_dmadev"]?.bool == false)
        _ = (mute, strange)
    }

    @Test(.enabled(if: geteuid() == 0, "\(OtherUsersServer.needsSuperuser)"))
    func aProcessOfAnotherUserIsNamedWithItsOwnerAndNotRead() throws {
        let other = try OtherUsersServer(in: directory)
        var configuration = configuration
        configuration.directories = [other.runDirectory]
        let process = try #require(try SnapshotCollector(configuration).snapshot()["processes"]?[0])
        #expect(process["prefix"]?.string == "other" && process["failure"]?.string == "untrusted")
        #expect(process["uid"]?.unsigned == UInt64(OtherUsersServer.user))
        #expect(process["untrusted_uid"]?.unsigned == UInt64(OtherUsersServer.user))
        #expect(process["version"] == .null && process["pid"] == .null && process["devices"] == nil)
        configuration.trust = .everyone
        #expect(try SnapshotCollector(configuration).snapshot()["processes"]?[0]?["state"]?.string == "answers")
    }

    @Test(.enabled(if: geteuid() == 0, "\(OtherUsersServer.needsSuperuser)"))
    func whatMayNotBeReadHasARowWithItsOwner() throws {
        directory.makeRunDirectory("app")
        let server = try peer("app", nil)
        chmod(directory.path, 0o711)
        chmod(directory.runDirectory.applications, 0o755)
        func row() throws -> JSONTree {
            let snapshot = try withFileRights(of: OtherUsersServer.user) {
                try SnapshotCollector(configuration).snapshot()
            }
            return try #require(snapshot["processes"]?.elements.count == 1 ? snapshot["processes"]?[0] : nil)
        }
        let hidden = try row()
        #expect(hidden["prefix"]?.string == "app" && hidden["failure"]?.string == "permissionDenied")
        #expect(hidden["run_directory"]?.string == directory.runDirectory.applications)
        #expect(hidden["owner_uid"] == .integer(0) && hidden["instance"] == .null)
        chmod(directory.runDirectory.applications, 0o700)
        let closed = try row()
        #expect(closed["prefix"]?.string == "" && closed["failure"]?.string == "unreadable")
        #expect(closed["path"]?.string == directory.runDirectory.applications)
        _ = server
    }

    @Test func socketsOfTheDeadAreCountedAndNamedOnesMissed() throws {
        let path = directory.runDirectory.socketPath(filePrefix: "dead")
        do {
            let dead = try peer("dead", nil)
            _ = dead
        }
        var configuration = configuration
        configuration.sockets = [directory.file("nobody")]
        let snapshot = try SnapshotCollector(configuration).snapshot()
        #expect(snapshot["stale_sockets"]?.unsigned == 1)
        #expect(snapshot["processes"]?.elements.map { $0["failure"]?.string } == ["notFound"])
        unlink(path)
    }

    @Test func aStrangerCannotFillTheMemory() throws {
        let long = String(repeating: "n", count: 10_000)
        let ids = (0..<500).map(String.init).joined(separator: ",")
        let infos = (0..<256).map { id in
            #"{"/dmadev/info":{"name":"\#(long)\#(id)","nb_vchans":65000}}"#
        }
        let parts = (0..<32).map { part in
            let rows = (0..<128).map { #"{"vchan":\#(part * 128 + $0),"state":"not set up"}"# }
            return #"{"/dmadev/vchans":[\#(rows.joined(separator: ","))]}"#
        }
        // All that is shown of channels is the first device's; those behind the first answer without figures.
        let peer = try peer(
            "large",
            Self.answering(
                [
                    #"{"/":["/dmadev/info","/dmadev/list","/dmadev/vchans"]}"#, "{\"/dmadev/list\":[\(ids)]}",
                ] + infos.prefix(1) + parts + infos.dropFirst()))
        let process = try #require(try snapshot()["processes"]?[0])
        #expect(process["state"]?.string == "answers", "\(process)")
        #expect(process["devices"]?.elements.count == 256)
        #expect(process["omitted_devices"]?.unsigned == 500 - 256)
        #expect(process["devices"]?.elements.reduce(0) { $0 + ($1["vchans"]?.elements.count ?? 0) } == 4096)
        #expect(process["omitted_vchans"]?.unsigned == 256 * 65000 - 4096)
        #expect(try #require(process["devices"]?[0]?["name"]?.string).utf8.count <= 256)
        _ = peer
    }

    @Test func regionsAndAttachmentsOfAProcessAreShown() throws {
        let registry = DeviceRegistry()
        let device = try registry.add(SoftwareDevice(engine: Engine()), named: "dma0")
        let frames = try MemoryExporter(name: "frames <&\"", byteCount: 8192)
        let attachment = try device.attach(frames)
        try attachment.map(.toDevice)
        defer {
            try? attachment.detach()
            try? device.close()
        }
        let pages = UnsafeMutableRawPointer.allocate(byteCount: 8192, alignment: 4096)
        defer { pages.deallocate() }
        let region = try registry.memory.registerMemory(at: UInt64(UInt(bitPattern: pages)), byteCount: 8192)
        defer { try? registry.memory.unregister(region) }
        let server = try TelemetryServer.start(
            filePrefix: "own", commands: DeviceCommands.table(for: registry), in: directory.runDirectory)
        defer { server.stop() }

        let process = try #require(try snapshot()["processes"]?[0])
        let memory = try #require(process["memory"])
        #expect(memory["count"]?.unsigned == 1)
        #expect(memory["kinds"]?[0]?["kind"]?.string == "memory" && memory["kinds"]?[0]?["bytes"]?.unsigned == 8192)
        #expect(memory["regions"]?[0]?["address"]?.unsigned == UInt64(UInt(bitPattern: pages)))
        #expect(memory["regions"]?[0]?["uses"]?.elements == [])
        let interconnects = try #require(process["interconnects"])
        #expect(interconnects["count"]?.unsigned == 1 && interconnects["states"]?["mapped"]?.unsigned == 1)
        #expect(interconnects["mapped_bytes"]?.unsigned == 8192 && interconnects["revocations"]?.unsigned == 0)
        let shown = try #require(interconnects["attachments"]?[0])
        #expect(shown["exporter"]?.string == "frames <&\"" && shown["state"]?.string == "mapped")
        #expect(shown["interconnect"]?.string == "system_memory" && shown["nb_ranges"]?.unsigned == 1)
        #expect(shown["choice"]?.string == "first choice of the exporter" && shown["fallbacks"]?.elements == [])
        #expect(shown["ranges"] == nil)
    }

    @Test func buffersOfTheMachineAreShownWithTheirHolders() throws {
        var configuration = configuration
        let root = #filePath.replacing("LivePageTests/SnapshotTests.swift", with: "Fixtures/GuestProc")
        (configuration.procfs, configuration.sysfs) = (root + "/proc", root + "/sys")
        let buffers = try #require(try SnapshotCollector(configuration).snapshot()["dmabufs"])
        #expect(buffers["count"]?.unsigned == 3 && buffers["bytes"]?.unsigned == 2 * 65536 + 4096)
        let frame = try #require(buffers["buffers"]?[0])
        #expect(frame["exporter"]?.string == "udmabuf" && frame["name"]?.string == "frame")
        #expect(frame["holder_count"]?.unsigned == 2 && frame["holders"]?[0]?["pid"]?.unsigned == 191)
        #expect(frame["holders"]?[0]?["name"]?.string == "dma-buffers")
    }

    @Test func aStrangersMemoryIsCutAndOfTheRightKind() throws {
        let long = String(repeating: "n", count: 260)
        let uses = (0..<10).map { "\"use \($0)\"" }.joined(separator: ",")
        let region = "{\"kind\":\"\(long)\",\"address\":\"x\",\"length\":1e300,\"uses\":[\(uses)]}"
        let regions = Array(repeating: region, count: 33).joined(separator: ",")
        let peer = try peer(
            "odd",
            Self.answering([
                #"{"/":["/dmadev/interconnects","/dmadev/memory"]}"#,
                #"""
                {"/dmadev/interconnects":{"count":"x","states":{"mapped":[],"<b>":1},"fallbacks":7,
                "attachments":[{"state":7,"exporter":"<script>alert(1)</script>","fallbacks":[{"reason":{}}]},7]}}
                """#,
                "{\"/dmadev/memory\":{\"count\":33,\"kinds\":{},\"regions\":[\(regions)]}}",
            ]))
        let process = try #require(try snapshot()["processes"]?[0])
        #expect(process["state"]?.string == "answers", "\(process)")
        let interconnects = try #require(process["interconnects"])
        #expect(interconnects.keys == ["states", "fallbacks", "attachments"])
        #expect(interconnects["states"] == .object([]) && interconnects["fallbacks"] == .array([]))
        #expect(interconnects["attachments"]?[0]?.keys == ["exporter", "fallbacks"])
        #expect(interconnects["attachments"]?[0]?["exporter"]?.string == "<script>alert(1)</script>")
        #expect(interconnects["attachments"]?[1] == .object([.init("fallbacks", .array([]))]))
        let memory = try #require(process["memory"])
        #expect(memory["count"]?.unsigned == 33 && memory["regions"]?.elements.count == 32)
        let first = try #require(memory["regions"]?[0])
        #expect(first.keys == ["kind", "uses"] && first["uses"]?.elements.count == 8)
        #expect(try #require(first["kind"]?.string).utf8.count == 256)
        _ = peer
    }

    @Test func everyKeyIsDocumented() throws {
        var configuration = configuration
        configuration.timeout = .milliseconds(300)
        let mute = try peer("mute", nil)
        let server = try TelemetryServer.start(
            filePrefix: "own", commands: DeviceCommands.table(for: DeviceRegistry()), in: directory.runDirectory)
        defer { server.stop() }
        let snapshot = try SnapshotCollector(configuration).snapshot()
        let processes = try #require(snapshot["processes"]).elements
        let page = try String(
            contentsOfFile: #filePath.replacing(
                "Tests/LivePageTests/SnapshotTests.swift", with: "Sources/LivePage/LivePage.docc/Snapshots.md"),
            encoding: .utf8)
        func documented(_ place: String) -> Set<String> {
            Set(page.matches(of: #/\| `([a-z_]+)` \| ([a-z ]+) \|/#).filter { $0.2 == place }.map { String($0.1) })
        }
        #expect(documented("the snapshot") == Set(snapshot.keys))
        #expect(documented("a process") == Set(processes.flatMap(\.keys)))
        _ = mute
    }
}
