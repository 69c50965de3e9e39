import DMAEngine
import Glibc
import LinuxSystem
import RingTestSupport
import SoftwareDriver
import SystemPackage
import TestSupport
import Testing

@testable import Conformance
@testable import DMADev

/// How copies through attachments of dma-buf regions are synchronized with other users of the buffers. This machine may
/// have none: memfds stand in for them, and the calls are recorded instead of made.
@Suite struct SynchronizedAttachmentTests {
    /// With SVA, and without.
    static let kinds = [true, false]

    /// A started device, and regions over what it takes for dma-bufs.
    private final class Bench {
        let record = SynchronizationRecord()
        let registry = DeviceRegistry()
        let device: DMADevice
        let channel: VirtualChannel

        init(hasSVA: Bool) throws {
            var options = SoftwareDevice.Options()
            if !hasSVA { options.capabilities.remove(.sva) }
            let engine = try Engine()
            device = try registry.add(
                SoftwareDevice(
                    engine: engine, options: options, buffers: DMABufferMap(engine: engine, calls: record.functions)),
                named: "dma0")
            try device.configure(DeviceConfiguration(virtualChannelCount: 1))
            try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 256))
            try device.start()
            channel = try device.virtualChannel(0)
        }

        deinit {
            try? device.stop()
            try? device.close()
        }

        func statuses(_ count: Int) throws -> [CompletionStatus] { try channel.statuses(count) }
    }

    /// A region, and its memory.
    private struct Buffer {
        static let byteCount = 16_384
        let mapping: SharedMapping
        let region: MemoryRegion

        init(in table: MemoryTable) throws {
            let file = try MemoryFile.make(name: "dma-buf", byteCount: Self.byteCount)
            mapping = try SharedMapping(of: file.raw, byteCount: Self.byteCount, isWritable: true)
            let shape = MemoryShape(
                address: UInt64(UInt(bitPattern: mapping.bytes.baseAddress)), byteCount: UInt64(Self.byteCount),
                iovas: [], pageSize: 4096)
            let information = MemoryFileInformation(
                kind: .dmaBuffer, exporter: "udmabuf", inode: 1, byteCount: UInt64(Self.byteCount), offset: 0,
                isVerified: true)
            region = try table.add(MemoryRegion(shape, information, descriptor: file.release()))
        }

        /// Its descriptor, as it is recorded.
        var name: String { "\(region.lentDescriptor)" }
    }

    /// Whether each access that has begun has ended, before the next one of the same buffer began.
    private func isBalanced(_ calls: [String]) -> Bool {
        var open: Set<Substring> = []
        for call in calls {
            switch call.first {
            case "+": guard open.insert(call.dropFirst()).inserted else { return false }
            case "-": guard open.remove(call.dropFirst()) != nil else { return false }
            default: break
            }
        }
        return open.isEmpty
    }

    @Test("Each buffer's access begins before the first copy of a burst and ends after the last", arguments: kinds)
    func oncePerBurst(hasSVA: Bool) throws {
        let bench = try Bench(hasSVA: hasSVA)
        let (from, to) = try (Buffer(in: bench.registry.memory), Buffer(in: bench.registry.memory))
        from.mapping.bytes.initializeMemory(as: UInt8.self, repeating: 7)
        let (source, target) = try (bench.device.attach(from.region), bench.device.attach(to.region))
        let reading = try #require(try source.map(.toDevice).first?.address)
        let writing = try #require(try target.map(.fromDevice).first?.address)
        // The engine begins accesses in the order of addresses.
        let names =
            from.region.address < to.region.address
            ? ["r\(from.name)", "w\(to.name)"] : ["w\(to.name)", "r\(from.name)"]
        // As many that the engine also finds some bursts just after it has looked for work.
        for round in 0..<500 {
            for part in 0..<8 as Range<UInt64> {
                try bench.channel.copy(from: reading + part * 64, to: writing + part * 64, length: 64)
            }
            try bench.channel.submit()
            #expect(try bench.statuses(8).allSatisfy { $0 == .successful })
            #expect(bench.record.take() == names.map { "+\($0)" } + names.map { "-\($0)" }, "round \(round)")
        }
        #expect(to.mapping.bytes[0..<512].allSatisfy { $0 == 7 } && to.mapping.bytes[512] == 0)

        // An operation that fails: its access ends, too.
        try bench.channel.copy(from: reading, to: writing + UInt64(Buffer.byteCount) - 8, length: 16, flags: .submit)
        #expect(try bench.statuses(1) == [.invalidDestinationAddress])
        let calls = bench.record.take()
        #expect(isBalanced(calls) && calls.contains("+r\(from.name)"), "\(calls)")
        for attachment in [source, target] { try attachment.detach() }
        for buffer in [from, to] { try bench.registry.memory.unregister(buffer.region) }
    }

    @Test("A copy whose access cannot begin fails with a status, and the accesses that had begun end", arguments: kinds)
    func refusals(hasSVA: Bool) throws {
        let bench = try Bench(hasSVA: hasSVA)
        let (from, to) = try (Buffer(in: bench.registry.memory), Buffer(in: bench.registry.memory))
        let (source, target) = try (bench.device.attach(from.region), bench.device.attach(to.region))
        let reading = try #require(try source.map(.toDevice).first?.address)
        let writing = try #require(try target.map(.fromDevice).first?.address)
        for (buffer, status) in [(from, CompletionStatus.busReadError), (to, .busWriteError)] {
            bench.record.refuse(buffer.region.lentDescriptor)
            try bench.channel.copy(from: reading, to: writing, length: 64, flags: .submit)
            #expect(try bench.statuses(1) == [status])
            let calls = bench.record.take()
            #expect(isBalanced(calls) && calls.contains { $0.hasPrefix("!") }, "\(calls)")
        }
        bench.record.refuse(-1)
        try bench.channel.copy(from: reading, to: writing, length: 64, flags: .submit)
        #expect(try bench.statuses(1) == [.successful])
        let calls = bench.record.take()
        #expect(calls.count == 4 && isBalanced(calls), "\(calls)")
        for attachment in [source, target] { try attachment.detach() }
    }

    @Test("When a revocation has returned, all accesses have ended and none begins", arguments: kinds)
    func revocation(hasSVA: Bool) throws {
        let bench = try Bench(hasSVA: hasSVA)
        let buffer = try Buffer(in: bench.registry.memory)
        let other = try MemoryExporter(name: "source", byteCount: Buffer.byteCount)
        let source = try bench.device.attach(other)
        let reading = try #require(try source.map(.toDevice).first?.address)
        for _ in 0..<50 {
            let attachment = try bench.device.attach(buffer.region)
            let writing = try #require(try attachment.map(.fromDevice).first?.address)
            for _ in 0..<192 { try bench.channel.copy(from: reading, to: writing, length: 16_384) }
            try bench.channel.submit()
            let first = try bench.statuses(1)
            try attachment.revoke(within: .seconds(60))
            let calls = bench.record.take()
            #expect(first == [.successful] && !calls.isEmpty && isBalanced(calls), "\(calls)")
            let rest = try bench.statuses(191)
            #expect(rest.allSatisfy { $0 == .successful || $0 == .invalidDestinationAddress })
            #expect(bench.record.take().isEmpty)
            try attachment.detach()
        }
        try source.detach()
        // The descriptor is used no more: it may be closed.
        try bench.registry.memory.unregister(buffer.region)
    }
}
