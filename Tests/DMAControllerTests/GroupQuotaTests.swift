import ControllerProtocol
import DMAController
import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// What one user may have of a controller in groups, and that it comes back.
@Suite struct GroupQuotaTests {
    private let directory: TemporaryDirectory
    private let controller: DMAController
    private let token = [UInt8](repeating: 0x3C, count: 16)

    init() throws {
        directory = try TemporaryDirectory()
        var configuration = ControllerConfiguration()
        configuration.quota.groups = 4
        configuration.quota.windows = 5
        configuration.quota.bytes = 1 << 20
        configuration.accessGroupCount = 8
        controller = try DMAController.start(path: directory.file("control"), configuration: configuration)
    }

    private func create(_ peer: RawPeer, limit: UInt16 = 8) throws -> GroupEntered? {
        try peer.ask(
            EnterGroup(group: -1, limit: limit, domain: [UInt8](repeating: 1, count: 16), token: token),
            for: GroupEntered.self)
    }

    private func join(_ peer: RawPeer, _ group: Int16, domain: UInt8) throws -> GroupEntered? {
        try peer.ask(
            EnterGroup(group: group, limit: 0, domain: [UInt8](repeating: domain, count: 16), token: token),
            for: GroupEntered.self)
    }

    @Test func groupsOfAUserAreCountedOverHisConnectionsAndComeBack() throws {
        let (one, two) = (try RawPeer.greeted(controller.path), try RawPeer.greeted(controller.path))
        for _ in 0..<20 {
            var made: [(RawPeer, Int16)] = []
            for number in 0..<4 {
                let peer = number % 2 == 0 ? one : two
                made.append((peer, try #require(try create(peer)).group))
            }
            for peer in [one, two] {
                #expect(try create(peer) == nil)
                #expect(peer.refusal?.errno == ENOSPC)
            }
            for (peer, group) in made {
                #expect(try peer.ask(ExitGroup(group: group, destroys: true), for: Done.self) != nil)
            }
        }
        // Those of a connection that ends come back, too.
        do {
            let gone = try RawPeer.greeted(controller.path)
            for _ in 0..<4 { #expect(try create(gone) != nil) }
            #expect(try create(one) == nil)
        }
        try eventually("its groups are gone") { controller.statistics.groups == 0 }
        for _ in 0..<4 { #expect(try create(one) != nil) }
    }

    @Test func membersOfAGroupAreAsManyAsItsLimit() throws {
        let creator = try RawPeer.greeted(controller.path)
        let group = try #require(try create(creator, limit: 2)).group
        let (second, third) = (try RawPeer.greeted(controller.path), try RawPeer.greeted(controller.path))
        #expect(try join(second, group, domain: 2) != nil)
        #expect(try join(third, group, domain: 3) == nil)
        #expect(third.refusal?.errno == ENOSPC)
        #expect(try second.ask(ExitGroup(group: group, destroys: false), for: Done.self) != nil)
        #expect(try join(third, group, domain: 3) != nil)
    }

    @Test func windowsAndTheirBytesAreCountedWithRegisteredMemoryAndComeBack() throws {
        let (one, two) = (try RawPeer.greeted(controller.path), try RawPeer.greeted(controller.path))
        let group = try #require(try create(one)).group
        #expect(try join(two, group, domain: 2) != nil)
        let file = try sealedPages(512)
        func open(_ peer: RawPeer, _ byteCount: UInt64) throws -> UInt64? {
            let request = OpenWindow(group: group, rights: 3, offset: 0, byteCount: byteCount)
            return try peer.ask(request, [file.raw], for: WindowOpened.self)?.iova
        }
        for _ in 0..<20 {
            var windows: [UInt64] = []
            for _ in 0..<3 { windows.append(try #require(try open(one, 4096))) }
            let register = RegisterMemory(offset: 0, byteCount: 4096)
            var registered: [UInt64] = []
            for _ in 0..<2 {
                registered.append(try #require(try two.ask(register, [file.raw], for: MemoryRegistered.self)).iova)
            }
            #expect(try open(two, 4096) == nil)
            #expect(two.refusal?.errno == EDQUOT && two.refusal?.reason.contains("5 registered memory regions") == true)
            #expect(try one.ask(register, [file.raw], for: MemoryRegistered.self) == nil)
            #expect(one.refusal?.errno == EDQUOT)
            for iova in windows { #expect(try one.ask(CloseWindow(iova: iova), for: Done.self) != nil) }
            for iova in registered { #expect(try two.ask(UnregisterMemory(iova: iova), for: Done.self) != nil) }

            // Holes cost what they could come to hold: it is the mapped size that counts.
            let large = try #require(try open(one, 1 << 20))
            #expect(try open(two, 4096) == nil)
            #expect(two.refusal?.errno == EDQUOT && two.refusal?.reason.contains("bytes") == true)
            #expect(try one.ask(CloseWindow(iova: large), for: Done.self) != nil)
        }
        // What goes with a leave, and with a connection.
        for _ in 0..<5 { #expect(try open(two, 4096) != nil) }
        #expect(try two.ask(ExitGroup(group: group, destroys: false), for: Done.self) != nil)
        do {
            let third = try RawPeer.greeted(controller.path)
            #expect(try join(third, group, domain: 3) != nil)
            for _ in 0..<5 { #expect(try open(third, 4096) != nil) }
            #expect(try open(one, 4096) == nil)
        }
        try eventually("its windows are gone") { controller.statistics.windows == 0 }
        for _ in 0..<5 { #expect(try open(one, 4096) != nil) }
    }

    @Test func windowsOfWhatIsNoSealedMemoryAreRefusedAndChargedToNobody() throws {
        let peer = try RawPeer.greeted(controller.path)
        let group = try #require(try create(peer)).group
        let unsealed = try MemoryFile.make(name: "unsealed", byteCount: 4096)
        let growOnly = try MemoryFile.make(name: "grow-sealed", byteCount: 4096)
        try MemoryFile.add(.grow, to: growOnly.raw)
        var pipes: [CInt] = [-1, -1]
        #expect(pipe(&pipes) == 0)
        let read = OwnedDescriptor(adopting: pipes[0])
        let write = OwnedDescriptor(adopting: pipes[1])
        #expect(mkfifo(directory.file("fifo"), 0o600) == 0)
        let fifo = OwnedDescriptor(adopting: Glibc.open(directory.file("fifo"), O_RDWR | O_CLOEXEC))
        let folder = OwnedDescriptor(adopting: Glibc.open(directory.path, O_RDONLY | O_CLOEXEC))
        // O_PATH, which Swift does not import: a descriptor that allows nothing.
        let path = OwnedDescriptor(adopting: Glibc.open(directory.path, 0o10000000 | O_CLOEXEC))
        let sockets = try SequencedPacketSocket.pair()
        let event = try EventDescriptor()
        let refused = [
            unsealed.raw, growOnly.raw, read.raw, write.raw, fifo.raw, folder.raw, path.raw, sockets.first.raw,
            event.raw,
        ]
        for _ in 0..<20 {
            for raw in refused {
                let window = OpenWindow(group: group, rights: 3, offset: 0, byteCount: 4096)
                #expect(try peer.ask(window, [raw], for: WindowOpened.self) == nil)
                #expect(peer.refusal?.errno == EINVAL, "\(raw)")
                let memory = RegisterMemory(offset: 0, byteCount: 4096)
                #expect(try peer.ask(memory, [raw], for: MemoryRegistered.self) == nil)
                #expect(peer.refusal?.errno == EINVAL, "\(raw)")
            }
        }
        // A group that is not the peer's costs nothing either.
        let sealed = try sealedPages(1)
        for _ in 0..<20 {
            let window = OpenWindow(group: group + 1, rights: 3, offset: 0, byteCount: 4096)
            #expect(try peer.ask(window, [sealed.raw], for: WindowOpened.self) == nil)
            #expect(peer.refusal?.errno == EACCES)
        }
        for _ in 0..<5 {
            let window = OpenWindow(group: group, rights: 3, offset: 0, byteCount: 4096)
            #expect(try peer.ask(window, [sealed.raw], for: WindowOpened.self) != nil)
        }
    }
}
