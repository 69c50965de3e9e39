import ControllerDriver
import DMAController
import LinuxSystem
import Synchronization
import TestSupport
import Testing

@testable import Conformance
@testable import DMADev

/// dma-buf regions that a device of a controller is attached to: the controller synchronizes the accesses.
@Suite struct AttachedBufferTests {
    private static let byteCount = 8192
    private let directory: TemporaryDirectory
    private let controller: DMAController
    private let exporter = RecordedExporter()
    private let registry = DeviceRegistry()
    private let device: DMADevice

    init() throws {
        directory = try TemporaryDirectory()
        var configuration = ControllerConfiguration()
        configuration.exporterTimeout = .seconds(5)
        configuration.bufferCalls = exporter.functions
        controller = try DMAController.start(path: directory.file("control"), configuration: configuration)
        device = try registry.add(ControllerDevice(path: controller.path), named: "dma")
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 64))
        try device.start()
    }

    /// A region over what the controller takes for a dma-buf.
    private func region() throws -> (region: MemoryRegion, mapping: SharedMapping) {
        let file = try MemoryFile.make(name: "dma-buf", byteCount: Self.byteCount)
        let mapping = try SharedMapping(of: file.raw, byteCount: Self.byteCount, isWritable: true)
        let shape = MemoryShape(
            address: UInt64(UInt(bitPattern: mapping.bytes.baseAddress)), byteCount: UInt64(Self.byteCount), iovas: [],
            pageSize: 4096)
        let information = MemoryFileInformation(
            kind: .dmaBuffer, exporter: "udmabuf", inode: 2, byteCount: UInt64(Self.byteCount), offset: 0,
            isVerified: true)
        return (try registry.memory.add(MemoryRegion(shape, information, descriptor: file.release())), mapping)
    }

    private func statuses(_ count: Int) throws -> [CompletionStatus] { try device.virtualChannel(0).statuses(count) }

    private func copy(_ count: Int = 1, from source: UInt64, to destination: UInt64) throws {
        let channel = try device.virtualChannel(0)
        for _ in 0..<count { try channel.copy(from: source, to: destination, length: 4096) }
        try channel.submit()
    }

    @Test("Each copy through attachments begins and ends one read and one write")
    func copies() throws {
        let (from, to) = try (region(), region())
        from.mapping.bytes.initializeMemory(as: UInt8.self, repeating: 6)
        let (source, target) = try (device.attach(from.region), device.attach(to.region))
        let reading = try #require(try source.map(.toDevice).first?.address)
        let writing = try #require(try target.map(.fromDevice).first?.address)
        for _ in 0..<10 {
            try copy(from: reading, to: writing + 4096)
            #expect(try statuses(1) == [.successful])
            let calls = exporter.calls.withLock { calls in
                defer { calls = [] }
                return calls
            }
            #expect(Set(calls.prefix(2)) == ["begin read", "begin write"], "\(calls)")
            #expect(calls.count == 4 && Set(calls.suffix(2)) == ["end read", "end write"], "\(calls)")
        }
        #expect(to.mapping.bytes[4096...].allSatisfy { $0 == 6 } && to.mapping.bytes[4095] == 0)
        // Beyond the end: what has begun ends.
        try copy(from: reading, to: writing + 8000)
        #expect(try statuses(1) != [.successful])
        #expect(exporter.isBalanced)
        for attachment in [source, target] { try attachment.detach() }
        for buffer in [from, to] { try registry.memory.unregister(buffer.region) }
        #expect(controller.report().connections.flatMap(\.buffers).isEmpty)
    }

    @Test("A revocation leaves no access open, and none begins after it")
    func revocation() throws {
        let (from, to) = try (region(), region())
        let source = try device.attach(from.region)
        let reading = try #require(try source.map(.toDevice).first?.address)
        for _ in 0..<20 {
            let target = try device.attach(to.region)
            let writing = try #require(try target.map(.fromDevice).first?.address)
            try copy(32, from: reading, to: writing)
            #expect(try statuses(1) == [.successful])
            try target.revoke(within: .seconds(60))
            let rest = try statuses(31)
            #expect(rest.allSatisfy { $0 == .successful || $0 == .invalidDestinationAddress }, "\(rest)")
            // One that was requested before the revocation may still have begun; the operation has then moved nothing.
            let begun = exporter.calls.withLock { $0.count { $0 == "begin write" } }
            try copy(from: reading, to: writing)
            #expect(try statuses(1) == [.invalidDestinationAddress])
            #expect(exporter.calls.withLock { $0.count { $0 == "begin write" } } == begun)
            try eventually("all accesses have ended") { exporter.isBalanced }
            try target.detach()
        }
        try source.detach()
    }

    @Test("An exporter that does not return fails the copies through its attachment, and the late access ends")
    func stalled() throws {
        let buffer = try region()
        let attachment = try device.attach(buffer.region)
        let iova = try #require(try attachment.map(.bidirectional).first?.address)
        exporter.stalls.store(true, ordering: .releasing)
        try copy(from: iova, to: iova + 4096)
        #expect(try statuses(1) == [.busReadError])
        try attachment.revoke(within: .seconds(60))
        #expect(attachment.state == .dead)
        exporter.stalls.store(false, ordering: .releasing)
        try eventually("the late access has ended") {
            exporter.calls.withLock { !$0.isEmpty } && exporter.isBalanced
        }
        try attachment.detach()
        try registry.memory.unregister(buffer.region)
    }
}
