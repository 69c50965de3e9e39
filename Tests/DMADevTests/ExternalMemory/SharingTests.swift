import DMADev
import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// Regions that are sent and attached: here within one process, by two tables.
@Suite final class SharingTests {
    private let here = DeviceRegistry().memory
    private let there = DeviceRegistry().memory
    private let sockets: DescriptorPair
    /// As long as the test: an address that is free while its region is registered is given to the next mapping.
    private let memory: TestMemory

    init() throws {
        memory = try TestMemory()
        sockets = try SequencedPacketSocket.pair(nonblocking: true)
    }

    private func pass(_ region: MemoryRegion) throws -> ReceivedRegion {
        try here.send(region, over: sockets.first.raw)
        return try there.receive(from: sockets.second.raw)
    }

    @Test("An attached region has file, offset, page size, IOVAs and memory of the one that was sent")
    func values() throws {
        let memory = try TestMemory(pages: 6, first: 2)
        let region = try memory.register(in: here, iovas: [0x7000, MemoryRegion.badIOVA, 0x1000, 0x2000])
        let received = try pass(region)
        #expect(received.byteCount == 16384 && received.pageSize == 4096 && received.file == region.file)
        let attached = try there.attach(received)
        #expect(attached.isAttached && attached.number != region.number && attached.address != region.address)
        #expect(attached.file == region.file && attached.pageSize == 4096 && attached.byteCount == region.byteCount)
        #expect(try attached.dmaBufferOffset == 8192)
        for page in 0..<4 as Range<UInt64> {
            #expect(
                try attached.iova(of: attached.address + page * 4096) == region.iova(of: region.address + page * 4096))
        }
        memory.mapping.bytes[5000] = 77
        let bytes = try #require(UnsafeMutableRawPointer(bitPattern: UInt(attached.address)))
        #expect(bytes.load(fromByteOffset: 5000, as: UInt8.self) == 77)
        refused(.invalidArgument) { try there.unregister(attached) }
        refused(.invalidArgument) { try here.detach(region) }
        refused(.invalidArgument) { try there.attach(received) }
        let lent = try #require(try attached.dmaBufferDescriptor)
        #expect(isOpen(lent))
        try there.detach(attached)
        refused(.noSuchFileOrDirectory) { try there.detach(attached) }
        refused(.invalidArgument) { _ = try attached.dmaBufferDescriptor }
        try here.unregister(region)
    }

    @Test("A region is mapped at a multiple of its page size", arguments: [1 << 16, 1 << 21] as [UInt64])
    func alignment(pageSize: UInt64) throws {
        let memory = try TestMemory(pages: Int(pageSize / 4096), alignment: Int(pageSize))
        let region = try here.registerDMABuffer(
            memory.file.raw, at: memory.address, byteCount: pageSize, iovas: [pageSize], pageSize: pageSize)
        for _ in 0..<8 {
            let attached = try there.attach(pass(region))
            #expect(attached.address % pageSize == 0 && attached.pageSize == pageSize)
        }
    }

    @Test("A region that another one uses cannot be unregistered, and the refusal says by whom")
    func uses() throws {
        let region = try memory.register(in: here)
        let received = try pass(region)
        let attached = try there.attach(received)
        #expect(region.currentUses == [.process(getpid())])
        let message = refused(.resourceBusy) { try here.unregister(region) }
        #expect(message.hasSuffix("is attached by process \(getpid())"))
        // Those who attach it may send it on.
        try there.send(attached, over: sockets.first.raw)
        let further = try here.attach(here.receive(from: sockets.second.raw))
        refused(.resourceBusy) { try there.detach(attached) }
        try here.detach(further)
        try there.detach(attached)
        try here.unregister(region)
    }

    @Test("What was sent and not attached keeps nobody from unregistering, and cannot be attached then")
    func unattached() throws {
        let region = try memory.register(in: here)
        let received = try pass(region)
        // Still in the socket.
        try here.send(region, over: sockets.first.raw)
        try here.unregister(region)
        refused(.noSuchFileOrDirectory) { try there.attach(received) }
        refused(.noSuchFileOrDirectory) { try there.attach(there.receive(from: sockets.second.raw)) }
        #expect(there.regions.isEmpty)
    }

    @Test("A full table attaches later")
    func fullTable() throws {
        let full = DeviceRegistry(maximumRegionCount: 1).memory
        let other = try full.registerMemory(at: 4096, byteCount: 4096)
        let region = try memory.register(in: here)
        let received = try pass(region)
        refused(.noSpace) { try full.attach(received) }
        try full.unregister(other)
        try full.detach(full.attach(received))
        try here.unregister(region)
    }

    @Test("A file that must not be written is attached for reading")
    func readOnly() throws {
        let region = try memory.register(in: here)
        try MemoryFile.add(.futureWrite, to: memory.file.raw)
        memory.mapping.bytes[3] = 9
        let attached = try there.attach(pass(region))
        let mappings = try MemoryMapping.all(in: attached.address..<attached.address + attached.byteCount)
        #expect(mappings.map(\.isWritable) == [false])
        #expect(UnsafeRawPointer(bitPattern: UInt(attached.address))?.load(fromByteOffset: 3, as: UInt8.self) == 9)
    }

    @Test("What cannot be sent is refused")
    func refusals() throws {
        refused(.notSupported) {
            try here.send(here.registerMemory(at: 4096, byteCount: 4096), over: sockets.first.raw)
        }
        let region = try memory.register(in: here)
        for descriptor in [-1, memory.file.raw, 1 << 20] as [CInt] {
            refused(.invalidArgument) { try here.send(region, over: descriptor) }
            refused(.invalidArgument) { _ = try here.receive(from: descriptor) }
        }
        refused(.wouldBlock) { _ = try there.receive(from: sockets.second.raw) }
        while (try? here.send(region, over: sockets.first.raw)) != nil {}
        refused(.wouldBlock) { try here.send(region, over: sockets.first.raw) }
        try here.unregister(region)
        refused(.invalidArgument) { try here.send(region, over: sockets.first.raw) }
    }

    @Test("Only so many processes may hold a region")
    func leases() throws {
        let region = try memory.register(in: here)
        var held: [ReceivedRegion] = []
        // Each has a descriptor of a file and one of a lease, and the sender has one.
        DescriptorLimit.raise(to: 8192)
        try #require(DescriptorLimit.current >= 8192)
        for _ in 0..<1024 { held.append(try pass(region)) }
        refused(.resourceBusy) { _ = try pass(region) }
        held.removeLast()
        _ = try pass(region)
        held = []
        try here.unregister(region)
    }

    // MARK: Untrusted senders

    private static let magic: UInt64 = 0x3130_4E47_5241_4D44

    private func send(_ words: [UInt64], _ descriptors: [CInt], cut: Int = 0) throws {
        try words.withUnsafeBytes {
            try SequencedPacketSocket.send(
                UnsafeRawBufferPointer(rebasing: $0.dropLast(cut)), descriptors: descriptors, on: sockets.first.raw)
        }
    }

    @Test("Messages that are none of a region are refused, and their descriptors closed")
    func junk() throws {
        let pair = try SequencedPacketSocket.pair(nonblocking: true)
        let (file, lease, good) = (memory.file.raw, pair.first.raw, [Self.magic, 4096, 4096, 0, 0])
        let list = try MemoryFile.make(name: "iovas", byteCount: 8)
        let before = try descriptorCount(of: file)
        let cases: [([UInt64], [CInt], Int)] = [
            (good, [], 0), (good, [file], 0), (good, [file, lease, lease], 0), (good, [file, lease, lease, lease], 0),
            (good, [file, file], 0), (good, [file, lease], 1), (good + [0], [file, lease], 0),
            ([1, 4096, 4096, 0, 0], [file, lease], 0), ([Self.magic], [file, lease], 0),
            ([Self.magic, 4096, 4096, 0, 1], [file, lease], 0),
            // The list of IOVAs: another kind, not sealed, another size.
            ([Self.magic, 4096, 4096, 0, 1], [file, lease, lease], 0),
            ([Self.magic, 4096, 4096, 0, 1], [file, lease, list.raw], 0),
            ([Self.magic, 8192, 4096, 0, 2], [file, lease, file], 0),
            ([Self.magic, 4096, 4096, 0, .max], [file, lease, file], 0),
        ]
        for (number, (words, descriptors, cut)) in cases.enumerated() {
            try send(words, descriptors, cut: cut)
            refused(Errno(rawValue: EPROTO), "\(number)") { _ = try there.receive(from: sockets.second.raw) }
        }
        #expect(try descriptorCount(of: file) == before)
        try send(good, [file, lease])
        _ = try there.receive(from: sockets.second.raw)
        #expect(try descriptorCount(of: file) == before)
    }

    @Test("Regions that break the rules are refused")
    func badRegions() throws {
        let pair = try SequencedPacketSocket.pair(nonblocking: true)
        let lease = pair.first.raw
        let event = try EventDescriptor()
        let unsealed = try MemoryFile.make(name: "unsealed", byteCount: 16384)
        for descriptor in [event.raw, unsealed.raw, lease] {
            try send([Self.magic, 4096, 4096, 0, 0], [descriptor, lease])
            refused(.invalidArgument) { _ = try there.receive(from: sockets.second.raw) }
        }
        let shapes: [[UInt64]] = [
            [0, 4096, 0], [4096, 0, 0], [4096, 4097, 0], [4095, 4096, 0], [20480, 4096, 0], [4096, 4096, 16384],
            [4096, 4096, 1], [4096, 4096, .max - 4095], [.max - 4095, 4096, 4096], [1 << 63, 1 << 63, 0], [.max, 1, 0],
            [4096, 1 << 63, 0],
        ]
        for shape in shapes {
            try send([Self.magic] + shape + [0], [memory.file.raw, lease])
            refused(.invalidArgument, "\(shape)") { _ = try there.receive(from: sockets.second.raw) }
        }
        // A list with an IOVA within a page.
        let list = try MemoryFile.make(name: "iovas", byteCount: 8)
        var iova: UInt64 = 17
        pwrite(list.raw, &iova, 8, 0)
        try MemoryFile.add(.shrink, to: list.raw)
        try send([Self.magic, 4096, 4096, 0, 1], [memory.file.raw, lease, list.raw])
        refused(.invalidArgument) { _ = try there.receive(from: sockets.second.raw) }
    }

    @Test("A sender that is not there any more, or sends another socket, is no harm")
    func badLeases() throws {
        do {
            let pair = try SequencedPacketSocket.pair(nonblocking: true)
            try send([Self.magic, 4096, 4096, 0, 0], [memory.file.raw, pair.first.raw])
        }
        let orphan = try there.receive(from: sockets.second.raw)
        refused(.noSuchFileOrDirectory) { try there.attach(orphan) }
        let unconnected = try SequencedPacketSocket.open()
        try send([Self.magic, 4096, 4096, 0, 0], [memory.file.raw, unconnected.raw])
        let other = try there.receive(from: sockets.second.raw)
        refused(.invalidArgument) { try there.attach(other) }
        // Huge pages of addresses that there are not: 2^46 bytes of a file without memory.
        let huge = try MemoryFile.make(name: "huge", byteCount: 1 << 46)
        try MemoryFile.add(.shrink, to: huge.raw)
        let pair = try SequencedPacketSocket.pair(nonblocking: true)
        try send([Self.magic, 1 << 46, 1 << 46, 0, 0], [huge.raw, pair.first.raw])
        let endless = try there.receive(from: sockets.second.raw)
        // Either there are as many addresses or not.
        if let attached = try? there.attach(endless) {
            #expect(attached.address % (1 << 46) == 0)
            try there.detach(attached)
        }
    }

    @Test("Random messages are refused with an error")
    func randomMessages() throws {
        var generator = SeededGenerator(for: "SharingTests.randomMessages")
        let pair = try SequencedPacketSocket.pair(nonblocking: true)
        for _ in 0..<2000 {
            let interesting: [UInt64] = [
                0, 1, 4095, 4096, 8192, 16384, 1 << 20, 1 << 62, 1 << 63, .max, Self.magic, generator.next(),
            ]
            let count = Int.random(in: 1...6, using: &generator)
            let words = (0..<count).map {
                $0 == 0 ? Self.magic : interesting.randomElement(using: &generator) ?? 0
            }
            let candidates = [memory.file.raw, pair.first.raw, sockets.first.raw]
            let descriptors = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                candidates.randomElement(using: &generator) ?? 0
            }
            try send(words, descriptors)
            do throws(DMAError) {
                let received = try there.receive(from: sockets.second.raw)
                #expect(received.file.offset + received.byteCount <= 16384)
                if let attached = try? there.attach(received) { try there.detach(attached) }
            } catch {
                #expect([EPROTO, EINVAL].contains(error.errno.rawValue), "\(error)")
            }
        }
    }

    /// How many descriptors of a file this process has: other tests open others at the same time.
    private func descriptorCount(of file: CInt) throws -> Int {
        let identity = try FileIdentity(of: file)
        return (0..<8192 as Range<CInt>).count { (try? FileIdentity(of: $0)) == identity }
    }
}
