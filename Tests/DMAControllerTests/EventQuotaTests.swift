import ControllerProtocol
import DMAController
import DMADev
import Glibc
import LinuxSystem
import TestSupport
import Testing

/// Members of groups that do not read their events.
@Suite struct EventQuotaTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func start(events: Int? = nil) throws -> DMAController {
        var configuration = ControllerConfiguration()
        if let events { configuration.quota.events = events }
        return try DMAController.start(path: directory.file("control"), configuration: configuration)
    }

    /// Makes a group with a connection that reads nothing from now on.
    private func unreadGroup(_ controller: DMAController) throws -> (peer: RawPeer, group: Int16) {
        let peer = try RawPeer.greeted(controller.path)
        let request = EnterGroup(group: -1, limit: 8, domain: domain(1), token: token)
        return (peer, try #require(try peer.ask(request, for: GroupEntered.self)).group)
    }

    private let token = [UInt8](repeating: 0x3C, count: 16)
    private func domain(_ number: UInt8) -> [UInt8] { [UInt8](repeating: number, count: 16) }

    private func join(_ peer: RawPeer, _ group: Int16, as number: UInt8) throws -> Bool {
        let request = EnterGroup(group: group, limit: 0, domain: domain(number), token: token)
        return try peer.ask(request, for: GroupEntered.self) != nil
    }

    private func leave(_ peer: RawPeer, _ group: Int16) throws -> Bool {
        try peer.ask(ExitGroup(group: group, destroys: false), for: Done.self) != nil
    }

    /// How many events a group of one member causes until that member's connection has ended.
    private func eventsUntilEnd(_ controller: DMAController) throws -> Int {
        let unread = try unreadGroup(controller)
        let other = try RawPeer.greeted(controller.path)
        var count = 0
        while count < 100_000 {
            // The creator's end ends the group: then there is nothing to join, or to leave.
            guard try join(other, unread.group, as: 2) else { break }
            count += 1
            guard try leave(other, unread.group) else { break }
            count += 1
        }
        #expect(unread.peer.isEnded)
        try eventually("the connection is gone") { controller.statistics.connections == 1 }
        return count
    }

    @Test func eventsThatTheSocketHasNoRoomForWaitAndComeInOrder() throws {
        let controller = try start()
        let (slow, group) = try unreadGroup(controller)
        let other = try RawPeer.greeted(controller.path)
        let count = 3000
        for _ in 0..<count {
            #expect(try join(other, group, as: 2))
            #expect(try leave(other, group))
        }
        // It asks before it has read, and is answered after the events.
        #expect(slow.send(Packet.encode(ReadGroup(group: group), sequence: 77)))
        var last: UInt16 = 0
        for number in 0..<2 * count {
            let event = try Packet.decode(GroupChanged.self, from: try #require(slow.receive()))
            try #require(event.group == group && event.domain == domain(2))
            try #require(event.change == UInt8(number % 2))
            // Each join has a new handler, and the leave after it the same.
            try #require(number % 2 == 0 ? event.handler > last : event.handler == last)
            last = event.handler
        }
        let members = try #require(slow.receive())
        #expect(try Packet.header(of: members).sequence == 77)
        #expect(try Packet.decode(GroupMembers.self, from: members).members.count == 1)
        let answer = try Packet.header(of: try #require(slow.receive()))
        #expect(answer.kind == .done && answer.sequence == 77)
        #expect(controller.statistics.connections == 2 && controller.statistics.quotaRefusals == 0)
    }

    @Test func beyondTheQuotaTheConnectionEndsAndWhatWaitedIsGivenBack() throws {
        var counts: [Int] = []
        for quota in [100, 400] {
            let controller = try start(events: quota)
            let count = try eventsUntilEnd(controller)
            // The quota of the user is whole again.
            #expect(try eventsUntilEnd(controller) == count)
            #expect(controller.statistics.quotaRefusals == 2)
            counts.append(count)
            controller.stop()
        }
        // Beside the quota there is the room of the socket, which the system gives.
        #expect(counts[1] - counts[0] == 300)
        #expect(counts[0] > 100)
    }

    @Test func theConnectionWithTheMostUnreadEventsEndsAndTheOthersStay() throws {
        let controller = try start(events: 200)
        let (worst, group) = try unreadGroup(controller)
        let (second, quiet) = try unreadGroup(controller)
        let other = try RawPeer.greeted(controller.path)
        // Some events wait for the second one, then too many for the first one.
        var count = 0
        while controller.statistics.connections == 3, count < 100_000 {
            let number = count % 4 == 0 ? quiet : group
            guard try join(other, number, as: 2), try leave(other, number) else { break }
            count += 1
        }
        #expect(worst.isEnded)
        try eventually("the connection is gone") { controller.statistics.connections == 2 }
        let ends = controller.groupEvents.last().map(\.event).filter { $0.kind == .destroyed }
        #expect(ends.map(\.group) == [group] && ends.map(\.reason) == [.forced])
        #expect(try join(other, quiet, as: 2))
        let own = try #require(other.members.last).handler
        var events = 0
        while events < 100_000 {
            let event = try Packet.decode(GroupChanged.self, from: try #require(second.receive()))
            events += 1
            if event.handler == own { break }
        }
        #expect(events % 2 == 1 && events < 100_000)
    }
}
