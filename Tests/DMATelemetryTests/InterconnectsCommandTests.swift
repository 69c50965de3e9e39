import DMADev
import DMAEngine
import DMATelemetry
import GroupTestSupport
import SoftwareDriver
import TelemetryTestSupport
import TelemetryWire
import Testing

@Suite struct InterconnectsCommandTests {
    let registry = DeviceRegistry()

    private func reply(_ parameters: String? = nil) throws -> JSONTree {
        let commands = DeviceCommands.table(for: registry)
        return try ask(#require(commands.first { $0.path == "/dmadev/interconnects" }), parameters)
    }

    @Test("Attachments are told with state, interconnect, ranges, fall-backs and revocations")
    func values() throws {
        let device = try registry.add(SoftwareDevice(engine: Engine()), named: "dma0")
        let frames = try MemoryExporter(name: "frames", byteCount: 8192)
        let attachment = try device.attach(frames)
        let revoked = try device.attach(
            WindowPreferringExporter(
                name: "preferring", address: frames.address, byteCount: 4096, controllerID: 9))
        let iova = try #require(try attachment.map(.toDevice).first?.address)
        try revoked.map(.bidirectional)
        try revoked.revoke()
        #expect(throws: DMAError.self) { try revoked.map(.bidirectional) }
        try device.attach(frames).detach()

        let told = try reply()
        #expect(told["count"]?.unsigned == 2 && told["mapped_bytes"]?.unsigned == 8192)
        #expect(told["states"]?.keys == ["attached", "mapped", "revoking", "dead"])
        #expect(told["states"]?["mapped"]?.unsigned == 1 && told["states"]?["dead"]?.unsigned == 1)
        #expect(told["attached"]?.unsigned == 3 && told["detached"]?.unsigned == 1)
        #expect(told["revocations"]?.unsigned == 1 && told["revocation_timeouts"]?.unsigned == 0)
        #expect(told["failures"]?.unsigned == 1)
        let fallBack = try #require(told["fallbacks"]?[0])
        #expect(fallBack["interconnect"]?.string == "controller_windows" && fallBack["count"]?.unsigned == 1)
        #expect(fallBack["reason"]?.string == "the device is not one of controller 9")

        let first = try #require(told["attachments"]?[0])
        #expect(first["state"]?.string == "mapped" && first["exporter"]?.string == "frames")
        #expect(first["inode"]?.unsigned == frames.inode && first["bytes"]?.unsigned == 8192)
        #expect(first["importer"]?.string == "dma0" && first["dev_id"]?.integer == 0)
        #expect(first["interconnect"]?.string == "system_memory" && first["maps"]?.unsigned == 1)
        #expect(first["choice"]?.string == "first choice of the exporter")
        #expect(first["direction"]?.string == "to_device" && first["nb_ranges"]?.unsigned == 1)
        #expect(first["ranges"]?[0]?["address"]?.unsigned == frames.address)
        #expect(first["iovas"]?[0]?["iova"]?.unsigned == iova && first["iovas"]?[0]?["length"]?.unsigned == 8192)
        #expect(first["revoked_ns"] == nil && first["last_error"] == nil)

        let second = try #require(told["attachments"]?[1])
        #expect(second["state"]?.string == "dead" && second["direction"] == nil)
        #expect(second["fallbacks"]?.elements.count == 1 && second["choice"]?.string?.contains("not supported") == true)
        #expect(second["revoked_ns"]?.unsigned ?? 0 > 0 && second["last_error"]?.string?.contains("revoked") == true)

        #expect(first["region"] == nil)

        #expect(try reply("1")["attachments"]?.elements.count == 1)
        #expect(try reply("5,2")["attachments"]?[0]?["id"]?.unsigned == 2)
        #expect(try reply("0")["attachments"]?.elements.isEmpty == true)
        for attachment in [attachment, revoked] { try attachment.detach() }
        // Only the application's calls are events and failures, not these reads.
        #expect(registry.failedCallCount == 1)
    }

    @Test("An attachment to a region names it, also one without a file")
    func regions() throws {
        let device = try registry.add(SoftwareDevice(engine: Engine()), named: "dma0")
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 4096)
        defer { memory.deallocate() }
        let region = try registry.memory.registerMemory(
            at: UInt64(UInt(bitPattern: memory.baseAddress)), byteCount: 4096)
        let attachment = try device.attach(region)
        let row = try #require(try reply()["attachments"]?[0])
        #expect(row["region"]?.unsigned == region.number && row["inode"]?.unsigned == 0)
        try attachment.detach()
        try registry.memory.unregister(region)
    }
}
