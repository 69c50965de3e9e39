import CDMADev
import ControllerProtocol
import DMADev
import DMAEngine
import Glibc
import LinuxSystem
import Synchronization
import TestSupport
import Testing

@testable import DMAController

/// dma-bufs of applications in a controller. This machine has none: files stand in for them, with recorded calls.
@Suite struct DMABufferTests {
    private let directory: TemporaryDirectory
    private let controller: DMAController
    private let exporter = RecordedExporter()

    init() throws {
        directory = try TemporaryDirectory()
        var configuration = ControllerConfiguration()
        // A busy machine may take a second for a call that returns at once.
        configuration.exporterTimeout = .seconds(5)
        configuration.bufferCalls = exporter.functions
        controller = try DMAController.start(path: directory.file("control"), configuration: configuration)
    }

    private func register(_ file: borrowing OwnedDescriptor, by peer: RawPeer, byteCount: UInt64 = 8192) throws
        -> UInt64?
    {
        let request = RegisterMemory(offset: 0, byteCount: byteCount)
        return try peer.ask(request, [file.raw], for: MemoryRegistered.self)?.iova
    }

    private func buffer(_ byteCount: Int = 8192) throws -> OwnedDescriptor {
        try MemoryFile.make(name: "dma-buf", byteCount: byteCount)
    }

    /// Copies 64 bytes; the operation's status.
    private func copy(_ peer: RawPeer, _ ring: RingMemory, from source: UInt64, to destination: UInt64) throws -> UInt16
    {
        let index = ring.producerPage.member(\.tail).loadRelaxed()
        let slot = Int(index) % ring.layout.slotCount
        ring.descriptors[slot].src = source
        ring.descriptors[slot].dst = destination
        ring.descriptors[slot].length = 64
        ring.descriptors[slot].kind = 1
        ring.descriptors[slot].flags = 2
        ring.doorbellTimes[slot] = Ticks.now
        ring.producerPage.member(\.tail).storeReleasing(index + 1)
        EventDescriptor.signal(peer.descriptors[0])
        try eventually("the copy has ended") { ring.consumerPage.member(\.completed).loadAcquiring() == index + 1 }
        return ring.statuses[slot]
    }

    /// What is reported of the dma-bufs of all connections.
    private var reported: [ControllerReport.SharedBuffers] { controller.report().connections.flatMap(\.buffers) }

    private func report(_ count: Int, stalled: Int = 0) -> [ControllerReport.SharedBuffers] {
        [.init(exporter: "udmabuf", count: count, byteCount: UInt64(count) * 8192, stalledCount: stalled)]
    }

    private let request = AttachRing(vchan: 0, descriptorCount: 32, maximumEntryCount: 4)

    @Test("A dma-buf of an allowed exporter is mapped; other files and exporters are refused")
    func kinds() throws {
        let peer = try RawPeer.greeted(controller.path)
        #expect(try register(try buffer(), by: peer) != nil)
        #expect(try register(try buffer(4096), by: peer, byteCount: 4096) == nil)
        #expect(peer.refusal?.errno == EPERM && peer.refusal?.reason.contains("system, udmabuf") == true)
        #expect(try register(try buffer(12288), by: peer) == nil)
        #expect(peer.refusal?.errno == EINVAL)
        #expect(try register(try buffer(), by: peer, byteCount: 12288) == nil)
        #expect(peer.refusal?.errno == EINVAL)
        #expect(controller.statistics.memoryBytes == 8192 && controller.statistics.windows == 1)
    }

    @Test("Each operation begins and ends its accesses to a dma-buf, and to a window over one")
    func copies() throws {
        let (owner, peer) = (try RawPeer.greeted(controller.path), try RawPeer.greeted(controller.path))
        let one = try buffer()
        let two = try buffer()
        let source = try SharedMapping(of: one.raw, byteCount: 8192, isWritable: true)
        let destination = try SharedMapping(of: two.raw, byteCount: 8192, isWritable: true)
        source.bytes.initializeMemory(as: UInt8.self, repeating: 9)
        let token = [UInt8](repeating: 1, count: 16)
        let made = try #require(
            try owner.ask(
                EnterGroup(group: -1, limit: 2, domain: [UInt8](repeating: 1, count: 16), token: token),
                for: GroupEntered.self))
        _ = try #require(
            try peer.ask(
                EnterGroup(group: made.group, limit: 0, domain: [UInt8](repeating: 2, count: 16), token: token),
                for: GroupEntered.self))
        let window = try #require(
            try owner.ask(
                OpenWindow(group: made.group, rights: 3, offset: 4096, byteCount: 4096), [two.raw],
                for: WindowOpened.self))
        let iova = try #require(try register(one, by: peer))
        var ringRequest = request
        ringRequest.destinationHandler = made.handler
        let ring = try #require(try peer.startRing(ringRequest))
        #expect(try copy(peer, ring, from: iova, to: window.iova) == 0)
        #expect(exporter.calls.withLock { $0 }.sorted() == ["begin read", "begin write", "end read", "end write"])
        // A registration of the one's, and a window of the other's.
        #expect(
            reported.map { [$0.exporter, "\($0.count)", "\($0.byteCount)", "\($0.stalledCount)"] } == [
                ["udmabuf", "1", "4096", "0"], ["udmabuf", "1", "8192", "0"],
            ])
        #expect(destination.bytes[4096..<4160].allSatisfy { $0 == 9 } && destination.bytes[4095] == 0)
        // Closed, it is reached no more, and no access begins.
        #expect(try owner.ask(CloseWindow(iova: window.iova), for: Done.self) != nil)
        let count = exporter.calls.withLock { $0.count }
        #expect(try copy(peer, ring, from: iova, to: window.iova) != 0)
        #expect(exporter.calls.withLock { $0.dropFirst(count).contains("begin write") } == false)
    }

    @Test("An exporter that does not return fails its tenant's operations only, and holds up no end")
    func stalled() throws {
        let (peer, other) = (try RawPeer.greeted(controller.path), try RawPeer.greeted(controller.path))
        let iova = try #require(try register(try buffer(), by: peer))
        let file = try sealedPages(2)
        let mapping = try SharedMapping(of: file.raw, byteCount: 8192, isWritable: true)
        mapping.bytes.initializeMemory(as: UInt8.self, repeating: 1)
        let plain = try #require(try register(file, by: other))
        let second = try #require(try register(try buffer(), by: peer))
        #expect(reported == report(2))
        let (ring, healthy) = (try #require(try peer.startRing(request)), try #require(try other.startRing(request)))
        exporter.stalls.store(true, ordering: .releasing)
        #expect(try copy(peer, ring, from: iova, to: iova + 4096) == UInt16(DMADEV_STATUS_BUS_READ_ERROR.rawValue))
        #expect(try copy(peer, ring, from: iova, to: iova + 4096) == UInt16(DMADEV_STATUS_BUS_READ_ERROR.rawValue))
        #expect(try copy(other, healthy, from: plain, to: plain + 4096) == 0)
        #expect(reported == report(2, stalled: 1))
        #expect(try peer.ask(UnregisterMemory(iova: second), for: Done.self) != nil)
        #expect(reported == report(1, stalled: 1))
        #expect(try peer.ask(UnregisterMemory(iova: iova), for: Done.self) != nil)
        #expect(reported.isEmpty)
        #expect(try peer.ask(StopRings(), for: Done.self) != nil)
        controller.stop()
        exporter.stalls.store(false, ordering: .releasing)
        // The access that was given up has ended.
        try eventually("the late call has returned") { exporter.calls.withLock { $0 } == ["begin read", "end read"] }
    }
}
