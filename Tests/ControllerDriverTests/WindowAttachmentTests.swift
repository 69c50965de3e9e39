import ControllerDriver
import DMADev
import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import Conformance

/// Attachments over the windows of a controller: the buffer of one device's owner, copied by another device.
@Suite struct WindowAttachmentTests {
    /// A started device of the controller, with a buffer of its own.
    private final class Member {
        let registry = DeviceRegistry()
        let device: DMADevice
        let buffer: SharedBuffer
        let iova: UInt64

        init(_ path: String, byteCount: Int) throws {
            let driver = try ControllerDevice(path: path)
            device = try registry.add(driver, named: "dma")
            buffer = try driver.memory.allocate(byteCount: byteCount)
            try device.configure(DeviceConfiguration(virtualChannelCount: 1))
            try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 64))
            try device.start()
            iova = try device.mapMemory(buffer.bytes)
        }

        func statuses(_ count: Int) throws -> [CompletionStatus] { try device.virtualChannel(0).statuses(count) }

        /// Copies out of a part of an attached buffer.
        func copy(from range: ImportedRange, to offset: Int = 0, _ length: UInt64) throws -> CompletionStatus? {
            try device.virtualChannel(0).copy(
                from: range.address, to: iova + UInt64(offset), length: UInt32(length),
                flags: [.source(range.handler, of: .process), .submit])
            return try statuses(1).first
        }

        /// Copies into a part of an attached buffer.
        func copy(_ offset: Int = 0, to range: ImportedRange, _ length: UInt64) throws -> CompletionStatus? {
            try device.virtualChannel(0).copy(
                from: iova + UInt64(offset), to: range.address, length: UInt32(length),
                flags: [.destination(range.handler, of: .process), .submit])
            return try statuses(1).first
        }
    }

    /// A region of the owner, which each mapping opens to the group as a window.
    private final class WindowExporter: Exporter {
        let name = "frames"
        let byteCount: UInt64
        let memory: SharedMapping
        let region: MemoryRegion
        let windows: ControllerWindows
        private let owner: DMADevice
        private let group: AccessGroupID

        init(_ owner: Member, _ group: AccessGroupID, byteCount: Int) throws {
            let file = try MemoryFile.make(name: "frames", byteCount: byteCount)
            try MemoryFile.add(.shrink, to: file.raw)
            memory = try SharedMapping(of: file.raw, byteCount: byteCount, isWritable: true)
            // The controller allocates no page.
            memory.bytes.initializeMemory(as: UInt8.self, repeating: 0)
            region = try owner.registry.memory.registerDMABuffer(
                file.raw, offset: 0, at: UInt64(UInt(bitPattern: memory.bytes.baseAddress)),
                byteCount: UInt64(byteCount))
            self.byteCount = UInt64(byteCount)
            self.owner = owner.device
            self.group = group
            windows = ControllerWindows(controllerID: try #require(owner.device.properties.controllerID))
        }

        func interconnects(for importer: any Importer) -> [any Interconnect] { [windows] }

        func map(_ attachment: BufferAttachment, _ direction: MappingDirection) throws(DMAError)
            -> [any InterconnectRange]
        {
            var rights: WindowRights = []
            if direction.allowsReading { rights.insert(.read) }
            if direction.allowsWriting { rights.insert(.write) }
            let window = try owner.registerWindow(region, rights: rights, in: group)
            return [WindowRange(handler: window.handler, address: window.iova, byteCount: window.length)]
        }

        func unmap(_ ranges: [any InterconnectRange], of attachment: BufferAttachment) {
            for range in ranges { try? owner.unregisterWindow(iova: range.address) }
        }
    }

    private static let byteCount = 64 * 4096
    private let host: ControllerHost

    init() throws {
        host = try ControllerHost()
    }

    /// Two devices in a group, and a buffer of the first.
    private func bench(byteCount: Int = Self.byteCount) throws -> (importer: Member, owner: Member, WindowExporter) {
        let (owner, importer) = try (Member(host.path, byteCount: 4096), Member(host.path, byteCount: Self.byteCount))
        let token = AccessToken.random()
        let group = try owner.device.createAccessGroup(domain: .random(), token: token)
        _ = try importer.device.joinAccessGroup(group, domain: .random(), token: token)
        return (importer, owner, try WindowExporter(owner, group, byteCount: byteCount))
    }

    @Test("A device copies out of an attached buffer and into it, in the directions of its mapping")
    func copies() throws {
        let (importer, owner, exporter) = try bench()
        let attachment = try importer.device.attach(exporter)
        #expect(attachment.interconnect === exporter.windows && attachment.fallBacks.isEmpty)
        let length = exporter.byteCount
        for index in 0..<Self.byteCount { exporter.memory.bytes[index] = UInt8(truncatingIfNeeded: index &* 37) }

        let source = try #require(try attachment.map(.toDevice).first)
        #expect(source.byteCount == length && source.handler != 0)
        refusedAsBusy { try owner.registry.memory.unregister(exporter.region) }
        #expect(try importer.copy(from: source, length) == .successful)
        #expect(importer.buffer.bytes.elementsEqual(exporter.memory.bytes))
        #expect(try importer.copy(to: source, 64) == .invalidDestinationAddress)
        #expect(try importer.copy(from: source, length + 1) == .invalidSourceAddress)
        try attachment.unmap()
        #expect(try importer.copy(from: source, 64) == .invalidSourceAddress)

        let target = try #require(try attachment.map(.fromDevice).first)
        for index in 0..<Self.byteCount { importer.buffer.bytes[index] = UInt8(truncatingIfNeeded: index / 5) }
        #expect(try importer.copy(to: target, length) == .successful)
        #expect(importer.buffer.bytes.elementsEqual(exporter.memory.bytes))
        #expect(try importer.copy(from: target, 64) == .invalidSourceAddress)
        try attachment.detach()
        #expect(try importer.copy(to: target, 64) == .invalidDestinationAddress)
        try owner.registry.memory.unregister(exporter.region)
    }

    @Test("A revocation ends running operations: not one byte is written after it, and later operations fail")
    func revocation() throws {
        let size = 8 << 20
        let (importer, owner, exporter) = try bench(byteCount: size)
        let channel = try importer.device.virtualChannel(0)
        for _ in 0..<10 {
            let attachment = try importer.device.attach(exporter)
            let target = try #require(try attachment.map(.fromDevice).first)
            for _ in 0..<8 {
                try channel.fill(
                    target.address, pattern: .max, length: UInt32(size),
                    flags: .destination(target.handler, of: .process))
            }
            try channel.submit()
            #expect(try importer.statuses(1) == [.successful])
            try attachment.revoke(within: .seconds(60))
            #expect(attachment.state == .dead)
            // From here on nobody else writes.
            exporter.memory.bytes.initializeMemory(as: UInt8.self, repeating: 0)
            let rest = try importer.statuses(7)
            #expect(rest.allSatisfy { $0 == .successful || $0 == .invalidDestinationAddress }, "\(rest)")
            #expect(try importer.copy(to: target, 64) == .invalidDestinationAddress)
            #expect(isZero(exporter.memory.bytes))
            #expect(throws: DMAError.self) { try attachment.map(.toDevice) }
            try attachment.detach()
        }
        #expect(importer.registry.attachments.counts.revocations == 10)
        try owner.registry.memory.unregister(exporter.region)
    }

    @Test("When the owner leaves the group, its attached buffer is reached no more")
    func ownerLeaves() throws {
        let (importer, owner, exporter) = try bench()
        let attachment = try importer.device.attach(exporter)
        let range = try #require(try attachment.map(.bidirectional).first)
        #expect(try importer.copy(to: range, 64) == .successful)
        try owner.device.stop()
        try owner.device.close()
        try eventually("the controller has removed the device") {
            try importer.copy(from: range, 64) == .userAbort
        }
        #expect(try importer.copy(to: range, 64) == .userAbort)
        try attachment.detach()
    }

    private func refusedAsBusy(_ body: () throws -> Void) {
        let error = #expect(throws: DMAError.self, performing: body)
        #expect(error?.errno == .resourceBusy)
    }

    /// Fast also in a debug build.
    private func isZero(_ bytes: UnsafeMutableRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress, bytes[0] == 0 else { return bytes.isEmpty }
        return memcmp(base, base + 1, bytes.count - 1) == 0
    }
}
