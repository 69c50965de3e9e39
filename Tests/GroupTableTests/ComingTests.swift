import DMADev
import SystemPackage
import Testing

@testable import GroupTable

/// Creating and joining.
@Suite struct ComingTests {
    @Test("A group has its creator as first member, and joiners after it")
    func members() throws {
        var world = try World()
        let id = try world.group(of: 3)
        let info = try world.table.group(id, for: .process(2))
        #expect(info.members.map(\.domain.number) == [1, 2, 3])
        #expect(info.members.map(\.isCreator) == [true, false, false])
        #expect(info.members.map(\.processID) == [1001, 1002, 1003])
        #expect(Set(info.members.map(\.handler)).count == 3)
        #expect(!info.members.map(\.handler).contains(0))
    }

    @Test("Group numbers are below the limit: beyond it EINVAL, and one more than there are ENOSPC")
    func groupNumbers() throws {
        var world = try World(AccessGroupLimits(groupCount: 3))
        for expected in 0..<3 { #expect(try world.group(of: 1) == AccessGroupID(expected)) }
        refused(.noSpace) { () throws(DMAError) in
            try world.table.create(.pair, domain: .numbered(9), token: world.token, by: .process(9))
        }
        for id: AccessGroupID in [-1, 3, .max, .min] {
            refused(.invalidArgument) { () throws(DMAError) in try world.join(id, .numbered(2), .process(2)) }
            refused(.invalidArgument) { () throws(DMAError) in try world.table.leave(id, by: .process(1)) }
            refused(.invalidArgument) { () throws(DMAError) in try world.table.destroy(id, by: .process(1)) }
            refused(.invalidArgument) { () throws(DMAError) in try world.table.group(id, for: .process(1)) }
        }
    }

    @Test("The number of a group that is gone comes back last")
    func groupNumbersComeBackLast() throws {
        var world = try World(AccessGroupLimits(groupCount: 3))
        for round in 0..<5 {
            let id = try world.group(of: 1)
            #expect(id == AccessGroupID(round % 3))
            world.table.confirm(try world.table.destroy(id, by: .process(1)))
        }
    }

    @Test("A pair group holds two, and a group as many as it was made for; one below two EINVAL")
    func limits() throws {
        var world = try World()
        let pair = try world.table.create(.pair, domain: .numbered(1), token: world.token, by: .process(1))
        try world.join(pair, .numbered(2), .process(2))
        refused(.noSpace) { () throws(DMAError) in try world.join(pair, .numbered(3), .process(3)) }
        let three = try world.group(of: 3, limit: 3)
        refused(.noSpace) { () throws(DMAError) in try world.join(three, .numbered(4), .process(4)) }
        refused(.invalidArgument) { () throws(DMAError) in
            try world.table.create(.group(limit: 1), domain: .numbered(1), token: world.token, by: .process(1))
        }
    }

    @Test("No such group and a wrong token are one error")
    func oneDenial() throws {
        var world = try World()
        let id = try world.group(of: 1)
        let gone = try world.group(of: 1)
        world.table.confirm(try world.table.destroy(gone, by: .process(1)))
        var errors: [String] = []
        for (group, token) in [(id, world.wrongToken), (gone, world.token), (7, world.token), (7, world.wrongToken)] {
            do throws(DMAError) {
                try world.join(group, .numbered(2), .process(2), token)
                Issue.record("a join was not denied")
            } catch {
                #expect(error.errno == .permissionDenied && error.code == .accessDenied)
                errors.append(error.description)
            }
        }
        #expect(Set(errors).count == 1)
        // Not even a domain that is taken, or a group that is full, is told to who has no token.
        refused(.permissionDenied) { () throws(DMAError) in
            try world.join(id, .numbered(1), .process(2), world.wrongToken)
        }
    }

    @Test("A second device of a process with the same domain takes no new seat; another process is refused with EEXIST")
    func seatsAreDomains() throws {
        var world = try World()
        let id = try world.group(of: 2)
        let own = try world.handler(2, in: id)
        #expect(try world.join(id, .numbered(2), .process(2, device: 1)) == own)
        #expect(try world.table.group(id, for: .process(2, device: 1)).members.count == 2)
        #expect(try world.table.group(id, for: .process(1)).members[1].devices == [0, 1])
        refused(.fileExists) { () throws(DMAError) in try world.join(id, .numbered(2), .process(3)) }
        refused(.fileExists) { () throws(DMAError) in try world.join(id, .numbered(1), .process(2, device: 2)) }
        refused(.fileExists) { () throws(DMAError) in try world.join(id, .numbered(2), .process(2)) }
        // Another domain of the same process is another member.
        let other = try world.join(id, .numbered(9), .process(2, device: 5))
        #expect(other != own)
        #expect(
            world.told() == ["1 device_joined 2", "2 device_joined 2", "1 joined 9", "2 joined 9", "2 joined 9"])
        // The first device leaves: the domain is still there.
        let revocation = try world.table.leave(id, by: .process(2))
        #expect(revocation.handlers == [] && revocation.windows == [])
        world.table.confirm(revocation)
        #expect(world.told() == ["1 device_left 2", "2 device_left 2", "2 device_left 2"])
        #expect(world.table.mayUse(own, .process(1)))
        #expect(!world.table.mayUse(own, .process(2)))
        let last = try world.table.leave(id, by: .process(2, device: 1))
        #expect(last.handlers == [own])
    }

    @Test("A domain may be in many groups, by another number in each")
    func manyGroups() throws {
        var world = try World()
        let ids = try (0..<4).map { _ in try world.group(of: 2) }
        #expect(Set(try ids.map { try world.handler(2, in: $0) }).count == 4)
        #expect(world.table.groups(of: .process(2)).map(\.id) == ids)
        #expect(world.table.groups(of: .process(3)) == [])
        #expect(world.table.allGroups.map(\.id) == ids)
    }

    @Test("Who is not in a group learns nothing of it, nor whether it is there")
    func strangers() throws {
        var world = try World()
        let id = try world.group(of: 2)
        var errors: Set<String> = []
        for group in [id, id + 1] {
            for call in 0..<3 {
                do throws(DMAError) {
                    switch call {
                    case 0: _ = try world.table.group(group, for: .process(3))
                    case 1: _ = try world.table.leave(group, by: .process(3))
                    default: _ = try world.table.destroy(group, by: .process(3))
                    }
                    Issue.record("a stranger was answered")
                } catch {
                    #expect(error.errno == .permissionDenied)
                    errors.insert(error.description)
                }
            }
        }
        #expect(errors.count == 1)
    }

    @Test("Groups, memberships and handlers have an end, and each user an end of its own: ENOSPC")
    func quotas() throws {
        var world = try World(AccessGroupLimits(groupCount: 100, groupsPerTenant: 2, membershipsPerTenant: 4))
        let id = try world.group(of: 1)
        _ = try world.group(of: 1)
        refused(.noSpace) { () throws(DMAError) in
            try world.table.create(.pair, domain: .numbered(1), token: world.token, by: .process(2))
        }
        let others = try world.table.create(.pair, domain: .numbered(11), token: world.token, by: .process(11))
        try world.join(id, .numbered(2), .process(2))
        try world.join(id, .numbered(3), .process(3))
        refused(.noSpace) { () throws(DMAError) in try world.join(id, .numbered(4), .process(4)) }
        try world.join(id, .numbered(12), .process(12))
        #expect(others != id)

        var small = try World()
        small.table = try AccessGroupTable(limits: AccessGroupLimits(groupCount: 8), highestHandler: 3)
        let full = try small.group(of: 3)
        refused(.noSpace) { () throws(DMAError) in try small.join(full, .numbered(4), .process(4)) }
        #expect(try small.table.group(full, for: .process(1)).members.map(\.handler) == [1, 2, 3])
    }
}
