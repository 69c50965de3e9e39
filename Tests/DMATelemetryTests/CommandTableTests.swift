import DMADev
import DMAEngine
import DMATelemetry
import FaultDriver
import Foundation
import GroupTestSupport
import MachineInventory
import SoftwareDriver
import TelemetryServer
import TelemetryTestSupport
import TelemetryWire
import Testing

/// Every row of the command table, asked in every way.
@Suite struct CommandTableTests {
    /// Parameters that are good for each command, with a device 0 that has one channel, a device 1 in a group 0, and a
    /// device 2 that injects faults.
    static let good: [String: String?] = [
        "/dmadev/list": nil, "/dmadev/info": "0", "/dmadev/stats": "0,0", "/dmadev/dump": "0",
        "/dmadev/stats_reset": "0,0", "/dmadev/fault": "2,every=100:bus_error,delay=1ms",
        "/dmadev/engines": nil, "/dmadev/memory": "0,5", "/dmadev/capabilities": "0", "/dmadev/vchans": "0,0,1",
        "/dmadev/xstats": "0,0,9", "/dmadev/latency": "0",
        "/dmadev/errors": "5", "/dmadev/groups": "1", "/dmadev/group": "0,1", "/dmadev/events": "5",
        "/dmadev/event_counts": nil, "/dmadev/interconnects": "5,1", "/dmadev/dmabufs": "1,1",
        "/dmadev/dmabuf": "11", "/trace/list": nil,
        "/controller/info": nil, "/controller/peers": "4711", "/controller/domains": "65535,0,9",
    ]

    static let junk = [
        "", ",", "-1", "abc", "0abc", "99999999999999999999", "32767", " 0", "0,99", "0,-1", "0,abc", "0,0abc",
        "\u{1}", "é", "0x", "%s%n", String(repeating: "9", count: 900),
    ]

    /// Of the files of a guest that had three dma-bufs, with the inode numbers 11, 12 and 13.
    static let capturedInventory: InventoryReader = {
        let files = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/GuestProc").path
        return InventoryReader(DMABufferInventory.Roots(proc: files + "/proc", sys: files + "/sys"))
    }()

    @Test("The dma-bufs of the machine are told in parts, and each with its holders")
    func machineBuffers() throws {
        let inventory = Self.capturedInventory
        #expect(inventory.latest(waitingAtMost: .seconds(60)) != nil)
        let commands = DeviceCommands.table(for: DeviceRegistry(), inventory: inventory)
        func reply(_ path: String, _ parameters: String?) throws -> JSONTree {
            try ask(#require(commands.first { $0.path == path }), parameters)
        }
        for (parameters, inodes) in [(nil, [11, 12, 13]), ("1", [12, 13]), ("1,1", [12]), ("3,1", []), ("9", [])]
            as [(String?, [Int64])]
        {
            let part = try reply("/dmadev/dmabufs", parameters)
            #expect(part["buffers"]?.elements.map { $0["inode"] } == inodes.map { .integer($0) })
            #expect(part["count"] == .integer(3) && part["complete"] == .integer(1))
        }
        let frame = try reply("/dmadev/dmabuf", "11")
        #expect(frame["exporter"] == .string("udmabuf") && frame["holder_count"] == .integer(2))
        #expect(frame["holders"]?.elements.map { $0["pid"] } == [.integer(191), .integer(196)])
        #expect(throws: TelemetryCommandError.self) { try reply("/dmadev/dmabuf", "14") }
    }

    @Test("Each command answers good parameters, and refuses others with a reason")
    func everyRow() throws {
        let registry = DeviceRegistry()
        let device = try startedDevice(in: registry, named: "dma0")
        defer { try? device.stop() }
        let member = try registry.add(GroupDevice(SharedGroups(), process: 1), named: "member")
        _ = try member.createAccessGroup(domain: .random(), token: .random())
        _ = try registry.add(FaultDevice.make(SoftwareDevice(engine: Engine())), named: "faulty")
        let inventory = Self.capturedInventory
        #expect(inventory.latest(waitingAtMost: .seconds(60)) != nil)
        let commands = DeviceCommands.table(for: registry, controller: FixedController(), inventory: inventory)
        #expect(Set(commands.map(\.path)) == Set(Self.good.keys))
        #expect(commands.map(\.path).count == Set(commands.map(\.path)).count)
        for command in commands {
            #expect(!command.help.isEmpty, "\(command.path)")
            let parameters = try #require(Self.good[command.path])
            #expect(throws: Never.self, "\(command.path)") { try ask(command, parameters) }
            // Without parameters: an answer where none are needed, else a reason.
            if command.parameters.contains(where: { !$0.isOptional }) {
                #expect(throws: TelemetryCommandError.self, "\(command.path)") { try ask(command, nil) }
            } else {
                #expect(throws: Never.self, "\(command.path)") { try ask(command, nil) }
            }
            for parameters in Self.junk {
                do throws(TelemetryCommandError) {
                    _ = try ask(command, parameters)
                } catch {
                    #expect(!error.reason.isEmpty, "\(command.path),\(parameters)")
                }
            }
        }
    }

    @Test("Counters, channels, latency and failed calls are told as they are")
    func values() throws {
        let registry = DeviceRegistry()
        let device = try startedDevice(in: registry, named: "dma0")
        let channel = try device.virtualChannel(0)
        var bytes = [UInt8](repeating: 1, count: 256)
        try bytes.withUnsafeMutableBytes { bytes in
            let address = UInt64(UInt(bitPattern: bytes.baseAddress))
            for _ in 0..<3 { try channel.copy(from: address, to: address + 128, length: 100) }
            try channel.fill(address, pattern: 0, length: 50)
            try channel.copy(from: 1 << 60, to: address, length: 1, flags: .submit)
            while try device.status(of: 0) != .idle {}
        }
        let commands = DeviceCommands.table(for: registry)
        func reply(_ path: String, _ parameters: String?) throws -> JSONTree {
            try ask(#require(commands.first { $0.path == path }), parameters)
        }
        let counters = try reply("/dmadev/xstats", "0")
        let expected: [(String, UInt64)] = [
            ("submitted", 5), ("completed", 5), ("errors", 1), ("bytes", 350), ("ops_copy", 4), ("ops_fill", 1),
            ("status_successful", 4), ("status_invalid_src_addr", 1), ("doorbells", 1), ("occupancy_high_water", 5),
            ("latency_count", 5),
        ]
        for (name, value) in expected { #expect(counters[name]?.unsigned == value, "\(name)") }
        #expect(try reply("/dmadev/latency", "0,0")["count"]?.unsigned == 5)
        let row = try reply("/dmadev/vchans", "0")[0]
        #expect(row?["completed"]?.unsigned == 5 && row?["state"]?.string == "idle")
        #expect(row?["oldest_ns"]?.unsigned == 0 && row?["last_completion_ns"]?.unsigned ?? 0 > 0)
        let engine = try reply("/dmadev/engines", nil)
        #expect(engine.elements.count == 1 && engine[0]?["operations"]?.unsigned == 5)
        #expect(engine[0]?["bytes"]?.unsigned == 350 && engine[0]?["rings"]?.unsigned == 1)
        #expect(engine[0]?["name"]?.string == "dma-engine" && engine[0]?["busy_ns"]?.unsigned ?? 0 > 0)
        #expect(engine[0]?.keys == ["id", "name", "busy_ns", "sleeps", "operations", "bytes", "rings", "cpus", "idle"])

        #expect(throws: OperationError.self) { try channel.copy(from: 0, to: 0, length: 0) }
        #expect(throws: DMAError.self) { try device.close() }
        // Only the application's calls are here, not the refused reads of telemetry.
        for (path, parameters) in [("/dmadev/stats", "0,99"), ("/dmadev/info", "9"), ("/dmadev/latency", "0,7")] {
            #expect(throws: TelemetryCommandError.self) { try reply(path, parameters) }
        }
        let failures = try reply("/dmadev/errors", "3")
        #expect(failures["count"]?.unsigned == 2)
        let calls = try #require(failures["calls"]?.elements)
        #expect(calls.map { $0["call"]?.string } == ["close", "copy"])
        #expect(calls[0]["errno"]?.integer == 16 && calls[0]["vchan"] == .null && calls[0]["count"]?.unsigned == 1)
        #expect(calls[1]["errno"]?.integer == 22 && calls[1]["vchan"]?.unsigned == 0)
        #expect(calls[1]["reason"]?.string == "the length is 0; an operation moves at least 1 byte")
        #expect(calls[1]["first_ns"]?.unsigned == calls[1]["last_ns"]?.unsigned)
        try device.stop()
    }

    @Test("A device of 1,024 channels is told in parts, none of which is too long")
    func parts() throws {
        let registry = DeviceRegistry()
        var options = SoftwareDevice.Options()
        options.maximumVirtualChannelCount = 1024
        let device = try registry.add(SoftwareDevice(engine: Engine(), options: options), named: "wide")
        try device.configure(DeviceConfiguration(virtualChannelCount: 1024))
        for vchan in 0..<UInt16(1023) {
            try device.setUpVirtualChannel(vchan, configuration: VirtualChannelConfiguration(descriptorCount: 32))
        }
        let commands = DeviceCommands.table(for: registry)
        for path in ["/dmadev/vchans", "/dmadev/xstats", "/dmadev/latency"] {
            let command = try #require(commands.first { $0.path == path })
            var rows: [JSONTree] = []
            while rows.count < 1024 {
                let request = TelemetryRequest("\(path),0,\(rows.count),1024")
                let part = try command.handler(request)
                #expect(part.text.utf8.count <= TelemetryServer.maximumOutputLength)
                try #require(!part.tree.elements.isEmpty)
                rows += part.tree.elements
            }
            #expect(rows.map { $0["vchan"] } == (0..<1024).map { .integer($0) }, "\(path)")
            let last = path == "/dmadev/vchans" ? ["vchan", "state"] : ["vchan"]
            #expect(rows[1022].members.count > 2 && rows[1023].keys == last)
            let few = try command.handler(TelemetryRequest("\(path),0,7,2")).tree
            #expect(few.elements.map { $0["vchan"] } == [.integer(7), .integer(8)])
            #expect(try ask(command, "0,1024,5") == .array([]))
            for junk in ["0,1,0", "0,1,x", "0,1,65536", "0,x,1", "1,0,1"] {
                #expect(throws: TelemetryCommandError.self, "\(path),\(junk)") { try ask(command, junk) }
            }
        }
        // A row of a part has what the channel alone has.
        let counters = try #require(commands.first { $0.path == "/dmadev/xstats" })
        let alone = try ask(counters, "0,5").members
        #expect(try ask(counters, "0,5,1")[0]?.members == [.init("vchan", .integer(5))] + alone)
        try device.close()
    }

    @Test("Capabilities are told with their bits")
    func capabilities() throws {
        let registry = DeviceRegistry()
        let device = try startedDevice(in: registry, named: "dma0")
        defer { try? device.stop() }
        let command = try #require(
            DeviceCommands.table(for: registry).first { $0.path == "/dmadev/capabilities" })
        let reply = try ask(command, "0")
        #expect(reply.keys == Capabilities.table.map(\.name))
        #expect(reply["fill"]?["bit"]?.integer == 34 && reply["fill"]?["supported"]?.integer == 1)
        #expect(reply["inter_os_domain"]?["supported"]?.integer == 0)
    }
}

func startedDevice(in registry: DeviceRegistry, named name: String) throws -> DMADevice {
    let device = try registry.add(SoftwareDevice(engine: Engine()), named: name)
    try device.configure(DeviceConfiguration(virtualChannelCount: 1))
    try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 32))
    try device.start()
    return device
}

func ask(_ command: TelemetryCommand, _ parameters: String?) throws(TelemetryCommandError) -> JSONTree {
    try command.handler(TelemetryRequest(command.path + (parameters.map { ",\($0)" } ?? ""))).tree
}
