import DMADev
import SystemPackage
import Testing

/// Regions as exporters: who may unregister one, and when.
@Suite struct RegionExporterTests {
    private let registry = DeviceRegistry()
    private let memory: TestMemory
    private let region: MemoryRegion
    private let importer = ScriptedImporter()

    init() throws {
        memory = try TestMemory()
        region = try memory.register(in: registry.memory, iovas: (1...4).map { $0 * 4096 })
    }

    @Test("Every attachment that is not dead keeps a region registered, mapped or not")
    func uses() throws {
        let table = registry.attachments
        let (first, second) = (try table.attach(region, to: importer), try table.attach(region, to: importer))
        #expect(table.attachments(of: region).map(\.id) == [first.id, second.id])
        try first.map(.bidirectional)
        let message = refused(.resourceBusy) { try registry.memory.unregister(region) }
        for id in [first.id, second.id] {
            #expect(message.contains("attached to importer by attachment \(id)"), "\(message)")
        }
        try first.revoke()
        let rest = refused(.resourceBusy) { try registry.memory.unregister(region) }
        #expect(rest.contains("by attachment \(second.id)") && !rest.contains("by attachment \(first.id)"), "\(rest)")
        try second.detach()
        #expect(region.currentUses.isEmpty)
        try registry.memory.unregister(region)
        // A dead one is only to be detached.
        refused(.operationNotSupportedByDevice) { try first.map(.bidirectional) }
        try first.detach()
    }

    @Test("A revocation that has not ended keeps the region")
    func revoking() throws {
        let attachment = try registry.attachments.attach(region, to: importer)
        try attachment.map(.toDevice)
        importer.change { $0.releaseFailure = .test(.timedOut) }
        refused(.timedOut) { try attachment.revoke() }
        #expect(attachment.state == .revoking)
        refused(.resourceBusy) { try registry.memory.unregister(region) }
        importer.change { $0.releaseFailure = nil }
        try attachment.revoke()
        try registry.memory.unregister(region)
        try attachment.detach()
    }

    @Test("It exports its bytes by system memory, with the inode of its file")
    func exported() throws {
        let attachment = try registry.attachments.attach(region, to: importer)
        #expect(attachment.interconnect === SystemMemory.shared)
        let report = try #require(registry.attachments.reports.first)
        #expect(report.exporter == "region \(region.number)" && report.byteCount == memory.byteCount)
        #expect(report.inode == region.file?.inode && report.inode != 0)
        // Not at the region's own IOVAs.
        #expect(
            try attachment.map(.toDevice) == [
                ImportedRange(address: memory.address | 1 << 60, byteCount: memory.byteCount)
            ])
        try attachment.detach()
        try registry.memory.unregister(region)
    }

    @Test("An attach that fails is no use, and a region that has ended cannot be attached")
    func failures() throws {
        refused(.notSupported) { _ = try registry.attachments.attach(region, to: importer, allowing: [Link()]) }
        #expect(region.currentUses.isEmpty)
        try registry.memory.unregister(region)
        let message = refused(.invalidArgument) { _ = try registry.attachments.attach(region, to: importer) }
        #expect(message.contains("not registered"))
        #expect(registry.attachments.reports.isEmpty)
    }
}
