import ControllerProtocol
import DMAController
import DMAEngine
import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// How operating systems are configured, and what their connections may ask for.
@Suite struct OSDomainTests {
    private let directory: TemporaryDirectory
    private let region: RegionFile

    init() throws {
        directory = try TemporaryDirectory()
        region = try RegionFile()
    }

    private func start(_ domains: [OSDomain]) throws -> DMAController {
        var configuration = ControllerConfiguration()
        configuration.osDomains = domains
        return try DMAController.start(path: directory.file("control"), configuration: configuration)
    }

    private func reason(_ domains: [OSDomain]) -> String {
        do {
            _ = try start(domains)
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func whatCannotBeUsedIsNamedAtTheStart() throws {
        let short = try RegionFile(byteCount: 4096)
        let odd = try RegionFile(byteCount: (1 << 20) + 1)
        #expect(reason([OSDomain(name: "a", memory: short.path)]).contains("1 MiB or more"))
        #expect(reason([OSDomain(name: "a", memory: odd.path)]).contains("whole pages"))
        #expect(reason([OSDomain(name: "a", memory: directory.file("none"))]).contains("No such file"))
        #expect(reason([OSDomain(name: "a", memory: "/dev/null")]).contains("no regular file"))
        #expect(reason([OSDomain(name: "a b", memory: region.path)]).contains("no name"))
        #expect(reason([OSDomain(name: "", memory: region.path)]).contains("no name"))
        let other = try RegionFile()
        #expect(
            reason([OSDomain(name: "a", memory: region.path), OSDomain(name: "a", memory: other.path)])
                .contains("same name"))
        #expect(
            reason([OSDomain(name: "a", memory: region.path), OSDomain(name: "b", memory: region.path)])
                .contains("file of its own"))
        #expect(try directory.contents.isEmpty)
    }

    @Test func onlyConfiguredOnesConnectAndNoneAfterAStop() throws {
        let controller = try start([OSDomain(name: "a", memory: region.path)])
        #expect(throws: ControllerError.self) { _ = try RawPeer(controller, of: "b") }
        let peer = try RawPeer(controller, of: "a")
        let welcome = try #require(try peer.ask(Hello(), for: Welcome.self))
        #expect(welcome.regionByteCount == UInt64(region.byteCount) && peer.descriptors.count == 1)
        controller.stop()
        #expect(peer.isEnded)
        #expect(throws: ControllerError.self) { _ = try RawPeer(controller, of: "a") }
    }

    @Test func memoryIsInTheRegionOrRefused() throws {
        let controller = try start([OSDomain(name: "a", memory: region.path)])
        let peer = try RawPeer(controller, of: "a")
        _ = try peer.ask(Hello(), for: Welcome.self)
        let end = UInt64(region.byteCount)
        let layout = RingLayout(descriptorCount: 64, maximumEntries: 4)
        let ring = AttachRing(vchan: 0, descriptorCount: 64, maximumEntryCount: 4)
        for offset in [end, end - UInt64(layout.byteCount) + 4096, 4095, .max, .max - 4095, 1 << 63] as [UInt64] {
            var request = ring
            request.offset = offset
            #expect(try peer.ask(request, for: RingAttached.self) == nil)
            #expect(peer.refusal?.errno == EINVAL, "\(offset)")
        }
        let group = try #require(
            try peer.ask(
                EnterGroup(
                    group: -1, limit: 4, domain: [UInt8](repeating: 1, count: 16),
                    token: [UInt8](repeating: 2, count: 16)),
                for: GroupEntered.self)
        ).group
        for (offset, length) in [
            (end, 4096), (end - 4096, 8192), (0, end + 4096), (4096, .max - 4095), (.max - 4095, 4096), (1, 4096),
            (4096, 1), (4096, 0), (.max, .max),
        ] as [(UInt64, UInt64)] {
            #expect(try peer.ask(RegisterMemory(offset: offset, byteCount: length), for: MemoryRegistered.self) == nil)
            #expect(peer.refusal?.errno == EINVAL, "\(offset) \(length)")
            let window = OpenWindow(group: group, rights: 3, offset: offset, byteCount: length)
            #expect(try peer.ask(window, for: WindowOpened.self) == nil)
            #expect(peer.refusal?.errno == EINVAL, "\(offset) \(length)")
        }
        // All of it may be, and as often as the quota allows.
        #expect(try peer.ask(RegisterMemory(offset: 0, byteCount: end), for: MemoryRegistered.self) != nil)
        #expect(try peer.ask(RegisterMemory(offset: 0, byteCount: end), for: MemoryRegistered.self) != nil)
        #expect(try peer.ask(AllocateMemory(byteCount: 4096), for: MemoryAllocated.self) == nil)
        #expect(peer.refusal?.errno == EOPNOTSUPP)
        #expect(try peer.ask(FreeMemory(offset: 4096), for: Done.self) == nil)
        #expect(peer.refusal?.errno == EOPNOTSUPP)
        // A descriptor is a violation.
        let file = try sealedPages(1)
        #expect(try peer.ask(RegisterMemory(offset: 0, byteCount: 4096), [file.raw], for: MemoryRegistered.self) == nil)
        #expect(peer.isEnded)
        try eventually("nothing is left") { controller.statistics.connections == 0 }
        #expect(controller.statistics.memoryBytes == 0 && controller.statistics.windows == 0)
    }

    @Test func aNewSessionBeginsWhenNothingIsLeftOfTheLastOne() throws {
        let controller = try start([OSDomain(name: "a", memory: region.path)])
        let mapping = try region.map()
        let ring = AttachRing(vchan: 0, descriptorCount: 64, maximumEntryCount: 4)
        var last: RawPeer?
        for session in 1...50 as ClosedRange<UInt64> {
            // The bridge need not have closed the last one.
            let peer = try RawPeer(controller, of: "a", session: session)
            #expect(try peer.ask(Hello(), for: Welcome.self) != nil)
            let now = controller.statistics
            #expect(now.connections == 1 && now.rings == 0 && now.windows == 0, "session \(session)")
            #expect(last?.isEnded != false)
            #expect(try peer.startRing(ring, at: 4096, in: mapping) != nil)
            #expect(try peer.ask(RegisterMemory(offset: 0, byteCount: 8192), for: MemoryRegistered.self) != nil)
            last = peer
        }
    }

    @Test func oneDomainIsOneTenant() throws {
        var configuration = ControllerConfiguration()
        configuration.osDomains = [OSDomain(name: "a", memory: region.path)]
        configuration.quota.connections = 3
        let controller = try DMAController.start(path: directory.file("control"), configuration: configuration)
        let peers = try (0..<4).map { try RawPeer(controller, of: "a", identity: UInt64($0)) }
        for peer in peers[..<3] { #expect(try peer.ask(Hello(), for: Welcome.self) != nil) }
        let refused: Failed = try Packet.decode(from: try #require(peers[3].receive()))
        #expect(refused.errno == EDQUOT && refused.reason.contains("operating system a"))
        // Others are not concerned.
        _ = try RawPeer.greeted(controller.path)
    }
}
