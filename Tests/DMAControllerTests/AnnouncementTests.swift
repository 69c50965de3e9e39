import ControllerDriver
import ControllerProtocol
import DMAController
import DMADev
import DMAEngine
import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// Notices of published rings, for clients of any kind.
@Suite struct AnnouncementTests {
    private let directory: TemporaryDirectory
    private let region: RegionFile
    private let controller: DMAController

    init() throws {
        directory = try TemporaryDirectory()
        region = try RegionFile()
        var configuration = ControllerConfiguration()
        configuration.osDomains = [OSDomain(name: "guest", memory: region.path)]
        controller = try DMAController.start(path: directory.file("control"), configuration: configuration)
    }

    private func refusal(_ request: WatchRing, of peer: RawPeer) throws -> Int32? {
        #expect(try peer.ask(request, for: Done.self) == nil)
        return peer.refusal?.errno
    }

    private func notice(_ peer: RawPeer) throws -> UInt16? {
        try peer.receive().map { try Packet.decode(RingPublished.self, from: $0).vchan }
    }

    @Test func onlyStartedRingsOfTheConnectionAreWatched() throws {
        let other = try RawPeer.greeted(controller.path)
        #expect(try other.startRing(AttachRing(vchan: 3, descriptorCount: 64, maximumEntryCount: 4)) != nil)
        let peer = try RawPeer.greeted(controller.path)
        for vchan in [0, 3, 0xFFFF] as [UInt16] {
            #expect(try refusal(WatchRing(vchan: vchan, target: 1), of: peer) == EINVAL)
        }
        #expect(
            try peer.ask(AttachRing(vchan: 3, descriptorCount: 64, maximumEntryCount: 4), for: RingAttached.self) != nil
        )
        #expect(try refusal(WatchRing(vchan: 3, target: 1), of: peer) == EINVAL)
        #expect(try peer.startRing(AttachRing(vchan: 0, descriptorCount: 64, maximumEntryCount: 4)) != nil)
        for target in [1, .max >> 1, 1 << 63 - 1, 17] as [UInt64] {
            #expect(try peer.ask(WatchRing(vchan: 0, target: target), for: Done.self) != nil)
        }
        // A target of the past, half of the numbers.
        for target in [0, .max, 1 << 63 + 1] as [UInt64] {
            #expect(try peer.ask(WatchRing(vchan: 0, target: target), for: Done.self) != nil)
            #expect(try notice(peer) == 0)
        }
        #expect(try peer.ask(StopRings(), for: Done.self) != nil)
        #expect(try refusal(WatchRing(vchan: 0, target: 0), of: peer) == EINVAL)
    }

    @Test func aReservedMemberEndsTheConnection() throws {
        let peer = try RawPeer.greeted(controller.path)
        var bytes = Packet.encode(WatchRing(vchan: 0, target: 1), sequence: 9)
        bytes[Packet.headerLength + 2] = 1
        #expect(peer.send(bytes) && peer.isEnded)
        let noRequest = try RawPeer.greeted(controller.path)
        #expect(noRequest.send(Packet.encode(RingPublished(vchan: 0), sequence: 1)) && noRequest.isEnded)
    }

    /// What is not read is kept by ring: the answers are complete, and of each ring at least one notice comes.
    @Test func aClientThatDoesNotReadLosesNothing() throws {
        let peer = try RawPeer.greeted(controller.path)
        let vchans = 0..<4 as Range<UInt16>
        for vchan in vchans {
            #expect(try peer.startRing(AttachRing(vchan: vchan, descriptorCount: 64, maximumEntryCount: 4)) != nil)
        }
        try SequencedPacketSocket.setSendTimeout(peer.socket, .milliseconds(200))
        // Until no more requests are read, and the socket is full in both directions.
        var sent: UInt32 = 0
        while peer.send(
            Packet.encode(WatchRing(vchan: UInt16(sent % 4), target: 0), sequence: 1000 + sent)), sent < 20_000
        {
            sent += 1
        }
        #expect(sent > 100 && sent < 20_000)
        // Others are served.
        let bystander = try RawPeer.greeted(controller.path)
        #expect(try bystander.ask(StopRings(), for: Done.self) != nil)
        var (answers, published) = (UInt32(0), Set<UInt16>())
        while answers < sent || published.count < vchans.count {
            let bytes = try #require(peer.receive())
            if try Packet.header(of: bytes).kind == .done {
                #expect(try Packet.header(of: bytes).sequence == 1000 + answers)
                answers += 1
                // Only notices that follow the last answers count.
                if answers + 4 == sent { published = [] }
            } else {
                published.insert(try Packet.decode(RingPublished.self, from: bytes).vchan)
            }
        }
        #expect(controller.statistics.connections == 2)
    }

    @Test func anApplicationOfVersion4IsServedAndAsksForNothingNew() throws {
        let peer = try RawPeer(controller.path)
        let welcome = try peer.ask(Hello(lowestVersion: 4, highestVersion: 4), for: Welcome.self)
        #expect(welcome?.version == 4)
        #expect(try peer.ask(StopRings(), for: Done.self) != nil)
    }

    /// Of a process of the host, and of one of another operating system.
    @Test(arguments: [false, true]) func aDeviceWaits(inGuest: Bool) async throws {
        let guest = try StandInGuest(controller, "guest", region, in: directory)
        defer { guest.end() }
        let registry = DeviceRegistry()
        let device = try registry.add(
            ControllerDevice(path: inGuest ? guest.path : controller.path), named: "dma0")
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 64))
        try device.start()
        let buffer = try device.makeBuffer(byteCount: 8192)
        try device.map(buffer)
        let channel = try device.virtualChannel(0)
        for round in 0..<100 {
            buffer.bytes.storeBytes(of: round, as: Int.self)
            try channel.copy(from: buffer, to: buffer, destinationOffset: 4096, byteCount: 8, flags: .submit)
            #expect(try await channel.nextCompleted(upTo: 1).count == 1)
            #expect(buffer.bytes.load(fromByteOffset: 4096, as: Int.self) == round)
        }
        try device.stop()
        try device.close()
    }
}
