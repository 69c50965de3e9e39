import ControllerProtocol
import DMAController
import DMADev
import LinuxSystem
import TestSupport
import Testing

/// What the controller itself records of groups, and what it sends to their members.
@Suite struct GroupEventTests {
    private let directory: TemporaryDirectory
    private let controller: DMAController

    init() throws {
        directory = try TemporaryDirectory()
        controller = try DMAController.start(path: directory.file("control"))
    }

    private let token = [UInt8](repeating: 0x3C, count: 16)
    private func domain(_ number: UInt8) -> [UInt8] { [UInt8](repeating: number, count: 16) }

    private func enter(_ peer: RawPeer, _ group: Int16 = -1, as number: UInt8) throws -> GroupEntered {
        let request = EnterGroup(
            group: group, limit: group < 0 ? 8 : 0, domain: domain(number), token: token, device: 5)
        return try #require(try peer.ask(request, for: GroupEntered.self))
    }

    private func open(_ peer: RawPeer, _ group: Int16, pages: Int = 1) throws -> UInt64 {
        let file = try sealedPages(pages)
        let request = OpenWindow(group: group, rights: 1, offset: 0, byteCount: UInt64(pages) * 4096)
        return try #require(try peer.ask(request, [file.raw], for: WindowOpened.self)).iova
    }

    private var kinds: [AccessGroupEvent.Kind] { controller.groupEvents.last().reversed().map(\.event.kind) }

    private func waitForEnd() throws -> AccessGroupEvent {
        try eventually("the group has ended") { controller.groupEvents.last(1).first { $0.event.kind == .destroyed } }
            .event
    }

    @Test func whatHappensIsRecordedThoughNobodyListens() throws {
        let creator = try RawPeer.greeted(controller.path)
        let entered = try enter(creator, as: 1)
        let iova = try open(creator, entered.group)
        #expect(try creator.ask(CloseWindow(iova: iova), for: Done.self) != nil)
        let guess = EnterGroup(
            group: entered.group, limit: 0, domain: domain(2), token: [UInt8](repeating: 1, count: 16), device: 6)
        let other = try RawPeer.greeted(controller.path)
        #expect(try other.ask(guess, for: GroupEntered.self) == nil)
        #expect(try creator.ask(ExitGroup(group: entered.group, destroys: true), for: Done.self) != nil)
        #expect(kinds == [.created, .windowOpened, .windowClosed, .denied, .destroyed])
        let events = controller.groupEvents.last().map(\.event)
        #expect(events[0].reason == .destroyed && events[0].handler == entered.handler)
        #expect(events[1].userID != nil && events[1].domain.bytes == domain(2))
        #expect(events[2].window?.iova == iova && events[2].window?.length == 4096)
    }

    @Test func anEndSaysWhyAndTakesTheWindowsWithIt() throws {
        let stay = try RawPeer.greeted(controller.path)
        // The creator's connection ends.
        var creator: RawPeer? = try RawPeer.greeted(controller.path)
        var entered = try enter(try #require(creator), as: 1)
        _ = try enter(stay, entered.group, as: 2)
        for _ in 0..<2 { _ = try open(try #require(creator), entered.group) }
        _ = try open(stay, entered.group)
        creator = nil
        #expect(try waitForEnd().reason == .creatorDied)
        #expect(
            kinds == [
                .created, .joined, .windowOpened, .windowOpened, .windowOpened, .windowClosed, .windowClosed,
                .windowClosed, .destroyed,
            ])
        // The controller ends it, because of a message that no driver sends.
        let violator = try RawPeer.greeted(controller.path)
        entered = try enter(violator, as: 1)
        #expect(violator.send([1, 2, 3]))
        try eventually("the second end") { controller.groupEvents.count(of: .destroyed) == 2 }
        #expect(try waitForEnd().reason == .forced)
        // The controller stops.
        let last = try RawPeer.greeted(controller.path)
        entered = try enter(last, as: 1)
        controller.stop()
        #expect(controller.groupEvents.count(of: .destroyed) == 3)
        #expect(try waitForEnd().reason == .forced)
    }

    @Test func aNoticeHasAllThatChanged() throws {
        let reader = try RawPeer.greeted(controller.path)
        let entered = try enter(reader, as: 1)
        let other = try RawPeer.greeted(controller.path)
        let joined = try enter(other, entered.group, as: 2)
        let iova = try open(other, entered.group, pages: 3)
        #expect(try other.ask(CloseWindow(iova: iova), for: Done.self) != nil)
        let second = try RawPeer.greeted(controller.path)
        #expect(try enter(second, entered.group, as: 2).handler == joined.handler)
        #expect(try second.ask(ExitGroup(group: entered.group, destroys: false), for: Done.self) != nil)
        #expect(try other.ask(ExitGroup(group: entered.group, destroys: false), for: Done.self) != nil)
        var notices: [GroupChanged] = []
        for _ in 0..<6 { notices.append(try Packet.decode(from: try #require(reader.receive()))) }
        #expect(notices.map(\.change) == [0, 3, 4, 5, 6, 1])
        #expect(
            notices.allSatisfy {
                $0.group == entered.group && $0.identity == entered.identity && $0.handler == joined.handler
                    && $0.domain == domain(2) && $0.processID > 0
            })
        #expect(notices.map(\.device) == [5, -1, -1, 5, 5, 5])
        #expect(notices[1].window == .init(iova: iova, byteCount: 3 * 4096, rights: 1))
        // The next group has the same number only much later, and never the same identity.
        #expect(try enter(other, as: 2).identity > entered.identity)
    }

    /// A group with more windows than fit into a message comes in several, which have all of them in order.
    @Test func aJoinIsAnsweredWithAllMembersAndTheirWindows() throws {
        let owner = try RawPeer.greeted(controller.path)
        let group = try enter(owner, as: 1).group
        var open: [UInt64] = []
        for _ in 0..<250 { open.append(try self.open(owner, group)) }
        let other = try RawPeer.greeted(controller.path)
        let joined = try enter(other, group, as: 2)
        func isComplete(_ members: [GroupMember]) -> Bool {
            let windows = members.filter { $0.handler != joined.handler }
            return members.last?.handler == joined.handler && windows.flatMap(\.windows).map(\.iova) == open
                && windows.allSatisfy { $0.isCreator && $0.domain == domain(1) } && windows.count > 1
        }
        #expect(isComplete(other.members))
        for iova in open.prefix(10) { #expect(try owner.ask(CloseWindow(iova: iova), for: Done.self) != nil) }
        open.removeFirst(10)
        #expect(try other.ask(ReadGroup(group: group), for: Done.self) != nil)
        #expect(isComplete(other.members))
    }
}
