import DMADev
import GroupTable
import SystemPackage
import Testing

/// What the log has, whether or not somebody listens.
@Suite struct RecordingTests {
    private func kinds(_ world: World) -> [AccessGroupEvent.Kind] {
        world.table.log.last().reversed().map(\.event.kind)
    }

    @Test("Each event is recorded once, with the member, the window, the reason, and the user that was denied")
    func events() throws {
        var world = try World()
        let id = try world.group(of: 2)
        let identity = try world.table.group(id, for: .process(1)).identity
        refused(.permissionDenied) { () throws(DMAError) in
            try world.join(id, .numbered(30), .process(30), world.wrongToken)
        }
        let window = try world.table.addWindow(length: 10, rights: .read, to: id, by: .process(2))
        world.table.confirm(try world.table.removeWindow(iova: window.iova, by: .process(2)))
        let other = try world.table.addWindow(length: 20, rights: .read, to: id, by: .process(2))
        // Not confirmed yet: recorded all the same.
        let revocation = try world.table.leave(id, by: .process(2))
        #expect(
            kinds(world) == [
                .created, .joined, .denied, .windowOpened, .windowClosed, .windowOpened, .windowClosed, .left,
            ])
        world.table.confirm(revocation)
        world.table.confirm(try world.table.destroy(id, by: .process(1)))
        let log = world.table.log.last().reversed().map { $0 }
        #expect(log.map(\.number) == Array(1...9) && log.allSatisfy { $0.device == nil && $0.time > 0 })
        let events = log.map(\.event)
        #expect(events.allSatisfy { $0.group == id && ($0.identity == identity || $0.kind == .denied) })
        #expect(events.map(\.domain.number) == [1, 2, 30, 2, 2, 2, 2, 2, 1])
        #expect(events.map(\.processID) == [1001, 1002, 1030, 1002, 1002, 1002, 1002, 1002, 1001])
        #expect(events.map(\.userID) == [nil, nil, 3, nil, nil, nil, nil, nil, nil])
        #expect(events.compactMap(\.window) == [window, window, other, other])
        #expect(events.last?.reason == .destroyed)
        #expect(world.table.log.count(of: .windowClosed) == 2 && world.table.log.count(of: .died) == 0)
    }

    @Test("Windows that go with their group are recorded before its end, and the end says why")
    func ends() throws {
        for isForced in [false, true] {
            var world = try World()
            let id = try world.group(of: 3)
            for process: UInt64 in [1, 3] {
                _ = try world.table.addWindow(length: 1, rights: .read, to: id, by: .process(process))
            }
            world.table.confirm(world.table.depart(.process(3)))
            world.table.confirm(world.table.depart(.process(1), isForced: isForced))
            #expect(
                kinds(world) == [
                    .created, .joined, .joined, .windowOpened, .windowOpened, .windowClosed, .died, .windowClosed,
                    .destroyed,
                ])
            #expect(world.table.log.last(1).first?.event.reason == (isForced ? .forced : .creatorDied))
        }
    }

    @Test("Many events of one kind do not push out the others")
    func floods() throws {
        var world = try World()
        let id = try world.group(of: 1)
        for _ in 0..<1000 {
            refused(.permissionDenied) { () throws(DMAError) in
                try world.join(id, .numbered(30), .process(30), world.wrongToken)
            }
        }
        let log = world.table.log
        #expect(log.count(of: .denied) == 1000)
        #expect(log.last(5).map(\.number) == [1001, 1000, 999, 998, 997])
        #expect(log.last(1000).last?.event.kind == .created)
        #expect(log.last(0) == [] && log.last(-1) == [])
    }
}
