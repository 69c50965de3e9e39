import ControllerProtocol
import DMAController
import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// What a controller makes of those who mean it ill.
@Suite struct UntrustedPeerTests {
    private let directory: TemporaryDirectory
    private let controller: DMAController

    init() throws {
        directory = try TemporaryDirectory()
        var configuration = ControllerConfiguration()
        configuration.quota.connections = 40
        configuration.quota.rings = 5
        configuration.quota.windows = 6
        configuration.quota.bytes = 64 << 20
        controller = try DMAController.start(path: directory.file("control"), configuration: configuration)
    }

    /// Somebody who behaves is served.
    private func expectServed(sourceLocation: SourceLocation = #_sourceLocation) throws {
        let peer = try RawPeer.greeted(controller.path)
        #expect(try peer.ask(StopRings(), for: Done.self) != nil, sourceLocation: sourceLocation)
    }

    private func expectNothingLeft(sourceLocation: SourceLocation = #_sourceLocation) throws {
        try eventually("all are gone") { controller.statistics.connections == 0 }
        let left = controller.statistics
        #expect(left.rings == 0 && left.windows == 0 && left.memoryBytes == 0, sourceLocation: sourceLocation)
    }

    @Test func junkEndsItsConnectionAndNoOther() throws {
        let bystander = try RawPeer.greeted(controller.path)
        var random = SeededGenerator(for: "junk")
        var junk: [[UInt8]] = [
            [1], [UInt8](repeating: 0, count: 8), [UInt8](repeating: 0xFF, count: Packet.maximumLength),
            [UInt8](repeating: 1, count: Packet.maximumLength + 1), [UInt8](repeating: 1, count: 100_000),
            Packet.encode(Done(), sequence: 1), Packet.encode(StopRings(), sequence: 0),
            Packet.encode(Hello(), sequence: 1) + [0],
        ]
        for _ in 0..<200 {
            junk.append((0..<Int(1 + random.next() % 100)).map { _ in UInt8(truncatingIfNeeded: random.next()) })
        }
        for (number, bytes) in junk.enumerated() {
            let peer = number % 2 == 0 ? try RawPeer(controller.path) : try RawPeer.greeted(controller.path)
            #expect(peer.send(bytes))
            #expect(peer.isEnded)
        }
        try eventually("all are counted") { controller.statistics.invalidMessages >= UInt64(junk.count) }
        // Before the greeting nothing is taken.
        let rude = try RawPeer(controller.path)
        #expect(rude.send(Packet.encode(StopRings(), sequence: 1)) && rude.isEnded)
        #expect(try bystander.ask(StopRings(), for: Done.self) != nil)
        try expectServed()
    }

    @Test func anotherVersionIsRefusedWithTheReason() throws {
        let peer = try RawPeer(controller.path)
        #expect(try peer.ask(Hello(lowestVersion: 100, highestVersion: 109), for: Welcome.self) == nil)
        #expect(peer.refusal?.errno == EPROTONOSUPPORT)
        #expect(try peer.ask(Hello(lowestVersion: 0, highestVersion: 9), for: Welcome.self)?.version == Hello.version)
    }

    @Test func aClientOfVersion2IsToldBothVersionsAndWhatToDo() throws {
        let peer = try RawPeer(controller.path)
        // As version 2 sent it: kind, sequence 1, magic, versions 2 to 2.
        #expect(peer.send([1, 0, 0, 0, 1, 0, 0, 0, 0x44, 0x4D, 0x41, 0x43, 2, 0, 2, 0]))
        let answer = try #require(peer.receive())
        // The layout that version 2 reads: kind, sequence, errno, text.
        #expect(answer.prefix(12) == [4, 0, 0, 0, 1, 0, 0, 0, UInt8(EPROTONOSUPPORT), 0, 0, 0])
        #expect(answer.count == 14 + Int(answer[12]))
        #expect(
            String(decoding: answer.dropFirst(14), as: UTF8.self)
                == "the application has version 2 of the controller's protocol, and the controller has version 5: upgrade "
                + "the application")
    }

    @Test func memoryThatCouldVanishIsRefused() throws {
        let peer = try RawPeer.greeted(controller.path)
        let path = directory.file("plain")
        let plain = OwnedDescriptor(adopting: open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600))
        _ = ftruncate(plain.raw, 4096)
        let folder = OwnedDescriptor(adopting: open(directory.path, O_RDONLY | O_CLOEXEC))
        let unsealed = try MemoryFile.make(name: "unsealed", byteCount: 4096)
        let event = try EventDescriptor()
        let pair = try SequencedPacketSocket.pair()
        let zero = OwnedDescriptor(adopting: open("/dev/zero", O_RDWR | O_CLOEXEC))
        for raw in [plain.raw, folder.raw, unsealed.raw, event.raw, pair.first.raw, zero.raw, peer.socket.raw] {
            let request = RegisterMemory(offset: 0, byteCount: 4096)
            #expect(try peer.ask(request, [raw], for: MemoryRegistered.self) == nil)
            #expect(peer.refusal?.errno == EINVAL)
        }
        // Sealed, but not there, or not on pages.
        let file = try sealedPages(2)
        for (offset, count) in [
            (0, 0), (0, 100), (1, 4096), (0, 3 * 4096), (4096, 8192), (8192, 4096), (.max - 4095, 4096),
            (.max - 4095, 8192),
            (0, .max - 4095),
        ] as [(UInt64, UInt64)] {
            let request = RegisterMemory(offset: offset, byteCount: count)
            #expect(try peer.ask(request, [file.raw], for: MemoryRegistered.self) == nil, "\(count) at \(offset)")
            #expect(peer.refusal?.errno == EINVAL)
        }
        // What may only be read is not mapped for writing.
        let readOnly = try sealedPages(1)
        try MemoryFile.add(.write, to: readOnly.raw)
        let writing = RegisterMemory(offset: 0, byteCount: 4096)
        #expect(try peer.ask(writing, [readOnly.raw], for: MemoryRegistered.self) == nil)
        let reading = RegisterMemory(offset: 0, byteCount: 4096, isWritable: false)
        // Its holes cannot be filled, and reading one would allocate a page.
        #expect(try peer.ask(reading, [readOnly.raw], for: MemoryRegistered.self) == nil)
        #expect(peer.refusal?.reason.contains("hole") == true)
        let full = try MemoryFile.make(name: "full", byteCount: 4096)
        #expect("x".withCString { pwrite(full.raw, $0, 1, 0) } == 1)
        try MemoryFile.add([.shrink, .write], to: full.raw)
        #expect(try peer.ask(reading, [full.raw], for: MemoryRegistered.self) != nil)
        // A file that is open for reading only can get holes, and cannot be sealed here.
        let open = OwnedDescriptor(adopting: Glibc.open("/proc/self/fd/\(file.raw)", O_RDONLY | O_CLOEXEC))
        #expect(try peer.ask(reading, [open.raw], for: MemoryRegistered.self) == nil)
        #expect(peer.refusal?.errno == EPERM)
        try eventually("it is counted") { controller.statistics.windows == 1 }
    }

    @Test func descriptorsWhereNoneBelongEndTheConnection() throws {
        let file = try sealedPages(1)
        let cases: [(any WireMessage, Int)] = [
            (StopRings(), 1), (RegisterMemory(offset: 0, byteCount: 4096), 0),
            (RegisterMemory(offset: 0, byteCount: 4096), 2), (RegisterMemory(offset: 0, byteCount: 4096), 3),
            (StopRings(), SequencedPacketSocket.maximumDescriptorCount),
        ]
        for (message, count) in cases {
            let peer = try RawPeer.greeted(controller.path)
            #expect(peer.send(Packet.encode(message, sequence: 9), [CInt](repeating: file.raw, count: count)))
            #expect(peer.isEnded)
        }
        try expectServed()
        try expectNothingLeft()
    }

    @Test func nobodyGetsMoreThanTheQuota() throws {
        do {
            let (one, two) = (try RawPeer.greeted(controller.path), try RawPeer.greeted(controller.path))
            func attach(_ peer: RawPeer, _ vchan: UInt16) throws -> Bool {
                let request = AttachRing(vchan: vchan, descriptorCount: 32, maximumEntryCount: 0)
                return try peer.ask(request, for: RingAttached.self) != nil
            }
            // A ring counts from when its memory is made, whether or not it is started.
            #expect(try one.startRing(AttachRing(vchan: 0, descriptorCount: 32, maximumEntryCount: 0)) != nil)
            for vchan in 1..<3 as Range<UInt16> { #expect(try attach(one, vchan)) }
            for vchan in 0..<2 as Range<UInt16> { #expect(try attach(two, vchan)) }
            #expect(try !attach(two, 2))
            #expect(two.refusal?.errno == EDQUOT && two.refusal?.reason.contains("5 rings") == true)
            #expect(try one.ask(StopRings(), for: Done.self) != nil)
            #expect(try attach(two, 2))

            let file = try sealedPages(1 << 15)
            let half = RegisterMemory(offset: 0, byteCount: 33 << 20)
            #expect(try one.ask(half, [file.raw], for: MemoryRegistered.self) != nil)
            #expect(try two.ask(half, [file.raw], for: MemoryRegistered.self) == nil)
            #expect(two.refusal?.errno == EDQUOT)
            let page = RegisterMemory(offset: 0, byteCount: 4096)
            for _ in 0..<5 { #expect(try two.ask(page, [file.raw], for: MemoryRegistered.self) != nil) }
            #expect(try two.ask(page, [file.raw], for: MemoryRegistered.self) == nil)

            var crowd: [RawPeer] = []
            for _ in 0..<38 { crowd.append(try RawPeer.greeted(controller.path)) }
            let late = try RawPeer(controller.path)
            let answer = try #require(late.receive())
            #expect(try Packet.decode(Failed.self, from: answer).errno == EDQUOT)
            #expect(late.isEnded)
        }
        try expectNothingLeft()
        try expectServed()
    }

    @Test(.enabled(if: HugePagePool.isOffered, "the system has no huge pages"))
    func aPartOfAHugePageIsChargedAsTheWhole() throws {
        do {
            // A file has its pages only once they are touched: none need be free.
            let size = try #require(HugePagePool.pageSize)
            let file = try MemoryFile.make(name: "huge", byteCount: 64 * size, usesHugePages: true)
            try MemoryFile.add(.shrink, to: file.raw)
            let peer = try RawPeer.greeted(controller.path)
            func register(_ offset: Int, _ byteCount: Int) throws -> Bool {
                let request = RegisterMemory(offset: UInt64(offset), byteCount: UInt64(byteCount))
                return try peer.ask(request, [file.raw], for: MemoryRegistered.self) != nil
            }
            let quota = 64 << 20
            guard 3 * size <= quota else { return #expect(try !register(0, 4096)) }
            #expect(try register(4096, 4096))
            try eventually("it is counted") { controller.statistics.memoryBytes == UInt64(size) }
            // The last byte of one, and the first one of the next.
            #expect(try register(2 * size - 4096, 8192))
            try eventually("it is counted") { controller.statistics.memoryBytes == UInt64(3 * size) }
            #expect(try !register(0, quota - 3 * size + 4096))
            #expect(peer.refusal?.errno == EDQUOT)
            #expect(try !register(64 * size - 4096, 8192))
            #expect(peer.refusal?.errno == EINVAL)
        }
        try expectNothingLeft()
        try expectServed()
    }

    @Test func ringsOutOfRangeAreRefused() throws {
        let peer = try RawPeer.greeted(controller.path)
        for (vchan, count, entries) in [
            (16, 64, 32), (.max, 64, 32), (0, 0, 32), (0, 31, 32), (0, 8193, 32), (0, .max, 32), (0, 64, 33),
            (0, 64, .max),
        ] as [(UInt16, UInt16, UInt16)] {
            let request = AttachRing(vchan: vchan, descriptorCount: count, maximumEntryCount: entries)
            #expect(try peer.ask(request, for: RingAttached.self) == nil)
            #expect(peer.refusal?.errno == EINVAL)
        }
        let good = AttachRing(vchan: 15, descriptorCount: 8192, maximumEntryCount: 32)
        #expect(try peer.ask(good, for: RingAttached.self)?.vchan == 15)
        #expect(try peer.ask(good, for: RingAttached.self) == nil)
        #expect(peer.refusal?.errno == EEXIST)
        #expect(try peer.ask(StartRing(vchan: 14), for: Done.self) == nil)
        #expect(peer.refusal?.errno == EINVAL)
    }

    @Test func whoDoesNotReadIsCutOff() throws {
        let deaf = try RawPeer.greeted(controller.path)
        try SequencedPacketSocket.setSendTimeout(deaf.socket, .seconds(30))
        // Each asks for an answer that nobody reads: the socket is full at some time, and then it is closed.
        var isCut = false
        for number in 0..<100_000 as Range<UInt32> where !isCut {
            isCut = !deaf.send(Packet.encode(UnregisterMemory(iova: 1), sequence: number + 1))
            if number % 1000 == 0 { try expectServed() }
        }
        #expect(isCut)
        try expectServed()
    }

    @Test func thousandsComeAndGo() throws {
        for _ in 0..<10_000 { _ = try RawPeer(controller.path) }
        try expectServed()
        try expectNothingLeft()
        try eventually("all are counted") {
            let statistics = controller.statistics
            return statistics.accepted + statistics.refusedConnections >= 10_000
        }
    }
}
