import CDMADev
import ControllerProtocol
import DMAController
import DMADev
import DMAEngine
import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// Applications that write nonsense into their rings, and change what they have written while it is read.
@Suite struct HostileRingTests {
    private let directory: TemporaryDirectory
    private let controller: DMAController

    init() throws {
        directory = try TemporaryDirectory()
        var configuration = ControllerConfiguration()
        configuration.minimumDescriptorCount = 1
        controller = try DMAController.start(path: directory.file("control"), configuration: configuration)
    }

    /// A peer with one ring, mapped, and its bell.
    private struct Ring {
        let peer: RawPeer
        let memory: RingMemory
        let layout: RingLayout

        init(_ path: String, descriptorCount: UInt16, entries: UInt16) throws {
            peer = try RawPeer.greeted(path)
            let request = AttachRing(vchan: 0, descriptorCount: descriptorCount, maximumEntryCount: entries)
            guard let memory = try peer.startRing(request) else {
                throw TestSupportError("no ring: \(String(describing: peer.refusal))")
            }
            self.memory = memory
            layout = memory.layout
        }

        func register(_ file: borrowing OwnedDescriptor) throws -> UInt64 {
            let request = RegisterMemory(offset: 0, byteCount: 4096)
            return try #require(try peer.ask(request, [file.raw], for: MemoryRegistered.self)).iova
        }

        func ring() { EventDescriptor.signal(peer.descriptors[0]) }

        /// The bytes that the application may write.
        var bytes: UnsafeMutableRawBufferPointer {
            UnsafeMutableRawBufferPointer(start: memory.producerPage, count: layout.applicationByteCount)
        }
    }

    @Test func tensOfThousandsOfRingsOfNonsenseHarmNobody() throws {
        let file = try sealedPages(4)
        let secret = try SharedMapping(of: file.raw, byteCount: 4 * 4096, isWritable: true)
        secret.bytes.initializeMemory(as: UInt8.self, repeating: 0x5A)
        let victim = try RawPeer.greeted(controller.path)
        let registered = try victim.ask(
            RegisterMemory(offset: 0, byteCount: 4 * 4096), [file.raw], for: MemoryRegistered.self)
        let target = try #require(registered).iova

        var random = SeededGenerator(for: "hostile rings")
        var rounds = 0
        var haltedCount = 0
        for (count, entries) in [(1, 0), (2, 1), (37, 32), (64, 8)] as [(UInt16, UInt16)] {
            let own = try sealedPages(1)
            var ring = try Ring(controller.path, descriptorCount: count, entries: entries)
            var mine = try ring.register(own)
            for _ in 0..<10_000 {
                if ring.memory.isHalted {
                    haltedCount += 1
                    ring = try Ring(controller.path, descriptorCount: count, entries: entries)
                    mine = try ring.register(own)
                }
                scribble(ring, &random, addresses: [mine, target, mine + 4095, 0, .max, 1 << 57, 1 << 47])
                // Any tail: behind, far ahead, or plausible.
                let seen = ring.memory.consumerPage.member(\.completed).loadAcquiring()
                let isImpossible = random.next() % 256 == 0
                let tail = seen &+ (isImpossible ? random.next() | 1 << 20 : random.next() % UInt64(count + 1))
                ring.memory.producerPage.member(\.tail).storeReleasing(tail)
                if isImpossible {
                    ring.ring()
                    try eventually("the ring is halted") { ring.memory.isHalted }
                }
                if random.next() % 8 == 0 { ring.ring() }
                rounds += 1
            }
            // An end in the middle of it.
            if count == 37 { #expect(try ring.peer.ask(StopRings(), for: Done.self) != nil) }
        }
        #expect(rounds == 40_000 && haltedCount > 100)
        #expect(secret.bytes.allSatisfy { $0 == 0x5A })
        #expect(try victim.ask(UnregisterMemory(iova: target), for: Done.self) != nil)
        try eventually("the hostile ones are gone") { controller.statistics.connections == 1 }
    }

    /// Writes a descriptor, a list and a time that may mean anything.
    private func scribble(_ ring: Ring, _ random: inout SeededGenerator, addresses: [UInt64]) {
        func address() -> UInt64 {
            random.next() % 3 == 0 ? random.next() : addresses[Int(random.next() % UInt64(addresses.count))]
        }
        let slot = Int(random.next() % UInt64(ring.layout.slotCount))
        ring.memory.descriptors[slot] = dmadev_descriptor(
            src: address(), dst: address(), length: UInt32(truncatingIfNeeded: random.next() % 9000),
            kind: UInt8(random.next() % 6), flags: UInt8(truncatingIfNeeded: random.next()),
            nb_src: UInt8(truncatingIfNeeded: random.next()), nb_dst: UInt8(truncatingIfNeeded: random.next()),
            src_handler: UInt16(truncatingIfNeeded: random.next()), dst_handler: 0, reserved: 1)
        if ring.layout.maximumEntries > 0 {
            let entry = Int(random.next() % UInt64(ring.layout.slotCount * 2 * ring.layout.maximumEntries))
            ring.memory.entries[entry] = dmadev_sge(
                addr: address(), length: UInt32(truncatingIfNeeded: random.next() % 5000), reserved: 0)
        }
        ring.memory.doorbellTimes[slot] = random.next()
    }

    @Test func aRingWithAnImpossibleTailIsHaltedAndReported() throws {
        let ring = try Ring(controller.path, descriptorCount: 16, entries: 0)
        func haltedCount() -> UInt64? {
            controller.report().connections.first?.figures.first { $0.name == "halted_rings" }?.value
        }
        #expect(haltedCount() == 0)
        ring.memory.producerPage.member(\.tail).storeReleasing(1 << 20)
        ring.ring()
        try eventually("the ring is halted") { haltedCount() == 1 }
        ring.memory.producerPage.member(\.tail).storeReleasing(1)
        ring.ring()
        // The engine has passed rounds meanwhile, and has read nothing.
        #expect(try ring.peer.ask(StopRings(), for: Done.self) != nil)
        #expect(ring.memory.consumerPage.member(\.completed).loadAcquiring() == 0)
        #expect(haltedCount() == 0)
    }

    @Test func aRingOfRandomBytesAndHolesIsSurvived() throws {
        var random = SeededGenerator(for: "random rings")
        for _ in 0..<200 {
            let ring = try Ring(controller.path, descriptorCount: 16, entries: 4)
            for offset in stride(from: 0, to: ring.bytes.count, by: 8) {
                ring.bytes.storeBytes(of: random.next(), toByteOffset: offset, as: UInt64.self)
            }
            ring.ring()
            // Pages that are taken back while the engine reads them are read as zeros.
            #expect(madvise(ring.bytes.baseAddress, ring.bytes.count, MADV_REMOVE) == 0)
            ring.ring()
        }
        try eventually("all are gone") { controller.statistics.connections == 0 }
    }

    @Test func holesOfRegisteredMemoryFailTheirOperations() throws {
        let ring = try Ring(controller.path, descriptorCount: 4, entries: 0)
        let file = try sealedPages(2)
        let mapping = try SharedMapping(of: file.raw, byteCount: 8192, isWritable: true)
        mapping.bytes.initializeMemory(as: UInt8.self, repeating: 7)
        let request = RegisterMemory(offset: 0, byteCount: 8192)
        let iova = try #require(try ring.peer.ask(request, [file.raw], for: MemoryRegistered.self)).iova
        #expect(madvise(mapping.bytes.baseAddress, 4096, MADV_REMOVE) == 0)
        ring.memory.descriptors[0] = dmadev_descriptor(
            src: iova, dst: iova + 4096, length: 4096, kind: UInt8(DMADEV_KIND_COPY),
            flags: UInt8(DMADEV_DESC_BATCH_FIRST),
            nb_src: 0, nb_dst: 0, src_handler: 0, dst_handler: 0, reserved: 0)
        ring.memory.producerPage.member(\.tail).storeReleasing(1)
        ring.ring()
        try eventually("the copy is done") {
            ring.memory.consumerPage.member(\.completed).loadAcquiring() == 1
        }
        #expect(ring.memory.statuses[0] == UInt16(DMADEV_STATUS_INVALID_SRC_ADDR.rawValue))
        #expect(mapping.bytes[4096...].allSatisfy { $0 == 7 })
    }

    @Test func aLongOperationOfOneDoesNotKeepTheOthersWaiting() throws {
        let ring = try Ring(controller.path, descriptorCount: 64, entries: 0)
        let size: UInt64 = 256 << 20
        let file = try sealedPages(Int(size / 4096))
        try SharedMapping(of: file.raw, byteCount: Int(size), isWritable: true).populate(0..<Int(size))
        let request = RegisterMemory(offset: 0, byteCount: size)
        let iova = try #require(try ring.peer.ask(request, [file.raw], for: MemoryRegistered.self)).iova
        for slot in 0..<64 {
            ring.memory.descriptors[slot] = dmadev_descriptor(
                src: 1, dst: iova, length: UInt32(size), kind: UInt8(DMADEV_KIND_FILL),
                flags: slot == 0 ? UInt8(DMADEV_DESC_BATCH_FIRST) : 0, nb_src: 0, nb_dst: 0, src_handler: 0,
                dst_handler: 0, reserved: 0)
        }
        ring.memory.producerPage.member(\.tail).storeReleasing(64)
        ring.ring()
        // Somebody comes, works and goes in the middle of it; and memory is taken back at once.
        let other = try RawPeer.greeted(controller.path)
        #expect(try other.ask(StopRings(), for: Done.self) != nil)
        #expect(try ring.peer.ask(UnregisterMemory(iova: iova), for: Done.self) != nil)
        #expect(try ring.peer.ask(StopRings(), for: Done.self) != nil)
        let statuses = (0..<64).map { ring.memory.statuses[$0] }
        #expect(
            statuses.last == UInt16(DMADEV_STATUS_INVALID_DST_ADDR.rawValue)
                || statuses.last == UInt16(DMADEV_STATUS_USER_ABORT.rawValue)
        )
    }
}
