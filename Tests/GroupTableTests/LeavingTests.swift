import DMADev
import SystemPackage
import Testing

@testable import GroupTable

/// Leaving, destroying, dying, and what is told of it.
@Suite struct LeavingTests {
    @Test("Joiners leave; for the creator that is EPERM")
    func leave() throws {
        var world = try World()
        let id = try world.group(of: 3)
        let handler = try world.handler(2, in: id)
        refused(.notPermitted) { () throws(DMAError) in try world.table.leave(id, by: .process(1)) }
        let revocation = try world.table.leave(id, by: .process(2))
        #expect(revocation.handlers == [handler])
        #expect(!world.table.mayUse(handler, .process(1)))
        #expect(try world.table.group(id, for: .process(1)).members.count == 2)
        // Nobody hears before it is true.
        #expect(world.told() == [])
        world.table.confirm(revocation)
        #expect(world.told() == ["1 left 2", "3 left 2"])
        world.table.confirm(revocation)
        #expect(world.told() == [])
        refused(.permissionDenied) { () throws(DMAError) in try world.table.leave(id, by: .process(2)) }
    }

    @Test("The creator destroys an empty group; one with joiners is EBUSY, and for others it is EPERM")
    func destroy() throws {
        var world = try World()
        let id = try world.group(of: 2)
        refused(.notPermitted) { () throws(DMAError) in try world.table.destroy(id, by: .process(2)) }
        refused(.resourceBusy) { () throws(DMAError) in try world.table.destroy(id, by: .process(1)) }
        world.table.confirm(try world.table.leave(id, by: .process(2)))
        #expect(world.told() == ["1 left 2"])
        let handler = try world.handler(1, in: id)
        let revocation = try world.table.destroy(id, by: .process(1))
        #expect(revocation.handlers == [handler])
        world.table.confirm(revocation)
        #expect(world.told() == [])
        #expect(world.table.allGroups == [])
    }

    @Test("When the creator goes with joiners inside, they get destroyed and all handlers die")
    func creatorGoes() throws {
        var world = try World()
        let id = try world.group(of: 3)
        let handlers = try world.table.group(id, for: .process(1)).members.map(\.handler)
        let revocation = world.table.depart(.process(1))
        #expect(revocation.handlers == handlers)
        for handler in handlers { #expect(!world.table.mayUse(handler, .process(2))) }
        #expect(world.table.allGroups == [])
        refused(.permissionDenied) { () throws(DMAError) in try world.join(id, .numbered(4), .process(4)) }
        #expect(world.told() == [])
        world.table.confirm(revocation)
        #expect(world.told() == ["2 destroyed 1", "3 destroyed 1"])
    }

    @Test("When the last joiner has left and the creator closes or dies, the group goes by itself")
    func emptyGroupGoes() throws {
        var world = try World()
        let id = try world.group(of: 2)
        world.table.confirm(try world.table.leave(id, by: .process(2)))
        _ = world.told()
        world.table.confirm(world.table.depart(.process(1)))
        #expect(world.table.allGroups == [])
        #expect(world.told() == [])
    }

    @Test("A process that dies has left every group that it was in, with all its devices")
    func death() throws {
        var world = try World()
        let joined = try world.group(of: 3)
        let made = try world.table.create(.pair, domain: .numbered(2), token: world.token, by: .process(2, device: 4))
        try world.join(made, .numbered(3), .process(3))
        try world.join(joined, .numbered(2), .process(2, device: 1))
        _ = world.told()
        let died = [0, 1, 4].map { world.table.depart(.process(2, device: $0)) }
        // The seat in `joined` is that of two devices, and dies with the second one.
        #expect(died.map(\.handlers.count) == [0, 1, 2])
        for revocation in died { world.table.confirm(revocation) }
        #expect(
            world.told().sorted() == ["1 device_left 2", "1 left 2", "3 destroyed 2", "3 device_left 2", "3 left 2"])
        for device: Int16 in [0, 1, 4] {
            #expect(world.table.groups(of: .process(2, device: device)) == [])
            #expect(world.table.depart(.process(2, device: device)).handlers == [])
        }
    }

    @Test("Another device of the creator's process may leave, not destroy, and hears of the end")
    func creatorsSecondDevice() throws {
        var world = try World()
        let second = AccessGroupClient.process(1, device: 1)
        let id = try world.group(of: 1)
        try world.join(id, .numbered(1), second)
        #expect(world.told() == ["1 device_joined 1"])
        refused(.notPermitted) { () throws(DMAError) in try world.table.destroy(id, by: second) }
        refused(.notPermitted) { () throws(DMAError) in try world.table.leave(id, by: .process(1)) }
        let leaving = try world.table.leave(id, by: second)
        #expect(leaving.handlers == [])
        world.table.confirm(leaving)
        refused(.permissionDenied) { () throws(DMAError) in try world.table.destroy(id, by: second) }
        try world.join(id, .numbered(1), second)
        _ = world.table.takeDeliveries()
        world.table.confirm(try world.table.destroy(id, by: .process(1)))
        let told = world.table.takeDeliveries()
        #expect(told.map(\.client) == [second])
        #expect(told.map(\.event.kind) == [.destroyed] && told.map(\.event.reason) == [.destroyed])
        #expect(world.table.groups(of: second) == [])
    }

    @Test("A group ends with the device that created it, also where that one's process has another device in its seat")
    func creatingDeviceCloses() throws {
        var world = try World(AccessGroupLimits(groupCount: 1))
        let id = try world.group(of: 2)
        try world.join(id, .numbered(1), .process(1, device: 1))
        _ = world.told()
        let identity = try world.table.group(id, for: .process(2)).identity
        world.table.confirm(world.table.depart(.process(1)))
        let told = world.table.takeDeliveries()
        #expect(told.map(\.client) == [.process(1, device: 1), .process(2)])
        #expect(told.allSatisfy { $0.event.kind == .destroyed && $0.event.reason == .creatorDied })
        #expect(told.allSatisfy { $0.event.identity == identity })
        #expect(world.table.allGroups == [])
        // The next group has the number, and another identity.
        #expect(try world.group(of: 1) == id)
        #expect(try world.table.group(id, for: .process(1)).identity != identity)
    }

    @Test("A device that shares a seat takes its own windows with it, and no others")
    func windowsOfOneDevice() throws {
        var world = try World()
        let id = try world.group(of: 2)
        try world.join(id, .numbered(2), .process(2, device: 1))
        let kept = try world.table.addWindow(length: 1, rights: .read, to: id, by: .process(2))
        let lost = try world.table.addWindow(length: 2, rights: .read, to: id, by: .process(2, device: 1))
        refused(.invalidArgument) { () throws(DMAError) in
            try world.table.removeWindow(iova: lost.iova, by: .process(2))
        }
        _ = world.told()
        let revocation = world.table.depart(.process(2, device: 1))
        #expect(revocation.windows == [lost] && revocation.handlers == [])
        #expect(world.told() == [])
        world.table.confirm(revocation)
        #expect(
            world.told() == ["1 window_closed 2", "2 window_closed 2", "1 device_left 2", "2 device_left 2"])
        #expect(try world.table.group(id, for: .process(1)).members.map(\.windows) == [[], [kept]])
    }

    @Test("Each member is told of the others' coming and going once, in order, and never of its own")
    func order() throws {
        var world = try World()
        let id = try world.group(of: 2)
        let leaving = try world.table.leave(id, by: .process(2))
        // Who comes while a leave is under way is told after it, and is not told of what was before.
        try world.join(id, .numbered(3), .process(3))
        try world.join(id, .numbered(2), .process(4))
        #expect(world.told() == [])
        let second = world.table.depart(.process(3))
        world.table.confirm(second)
        #expect(world.told() == [])
        world.table.confirm(leaving)
        #expect(world.told() == ["1 left 2", "1 joined 3", "1 joined 2", "1 left 3", "4 left 3"])
    }

    @Test("A slow leave in one group holds no other group up")
    func groupsAreIndependent() throws {
        var world = try World()
        let slow = try world.group(of: 2)
        let quick = try world.group(of: 2)
        let revocation = try world.table.leave(slow, by: .process(2))
        world.table.confirm(try world.table.leave(quick, by: .process(2)))
        #expect(world.told() == ["1 left 2"])
        world.table.confirm(revocation)
        #expect(world.told() == ["1 left 2"])
    }

    @Test("Who has left hears nothing of the group any more, not even what was on its way")
    func silence() throws {
        var world = try World()
        let id = try world.group(of: 3)
        try world.join(id, .numbered(4), .process(4))
        let first = try world.table.leave(id, by: .process(2))
        let second = try world.table.leave(id, by: .process(3))
        world.table.confirm(first)
        world.table.confirm(second)
        #expect(world.told() == ["1 joined 4", "1 left 2", "4 left 2", "1 left 3", "4 left 3"])
    }

    @Test("Who has destroyed a group hears nothing of it any more")
    func silenceAfterDestroying() throws {
        var world = try World()
        let id = try world.group(of: 2)
        let leaving = try world.table.leave(id, by: .process(2))
        let end = try world.table.destroy(id, by: .process(1))
        world.table.confirm(leaving)
        world.table.confirm(end)
        #expect(world.told() == [])
        #expect(world.table.allGroups == [])
    }

    @Test("A group's number is not given away before its end is confirmed")
    func endingNumbers() throws {
        var world = try World(AccessGroupLimits(groupCount: 1))
        let id = try world.group(of: 2)
        let revocation = world.table.depart(.process(1))
        refused(.noSpace) { () throws(DMAError) in
            try world.table.create(.pair, domain: .numbered(1), token: world.token, by: .process(5))
        }
        world.table.confirm(revocation)
        #expect(try world.table.create(.pair, domain: .numbered(1), token: world.token, by: .process(5)) == id)
        #expect(world.told() == ["2 destroyed 1"])
    }
}
