import DMADev
import SystemPackage
import Testing

@testable import GroupTable

/// Handler numbers: when they come back.
@Suite struct HandlerTests {
    @Test("Freed numbers come back last of all, the longest free first")
    func reuse() throws {
        var numbers = HandlerNumbers(highest: 5)
        for expected: DomainHandler in [1, 2, 3] { #expect(try numbers.take(for: .user(1)) == expected) }
        numbers.free(2)
        numbers.free(1)
        for expected: DomainHandler in [4, 5, 2, 1] { #expect(try numbers.take(for: .user(1)) == expected) }
        refused(.noSpace) { () throws(DMAError) in try numbers.take(for: .user(1)) }
        numbers.free(5)
        #expect(try numbers.take(for: .user(1)) == 5)
    }

    @Test("A number that is held does not come back before the last hold ends")
    func holds() throws {
        var numbers = HandlerNumbers(highest: 1)
        #expect(try numbers.take(for: .user(1)) == 1)
        numbers.hold(1)
        numbers.hold(1)
        numbers.free(1)
        refused(.noSpace) { () throws(DMAError) in try numbers.take(for: .user(1)) }
        numbers.release(1)
        refused(.noSpace) { () throws(DMAError) in try numbers.take(for: .user(1)) }
        numbers.release(1)
        #expect(try numbers.take(for: .user(1)) == 1)
        // A release too many gives nothing away.
        numbers.release(1)
        refused(.noSpace) { () throws(DMAError) in try numbers.take(for: .user(1)) }
    }

    @Test(
        "Of the last quarter only those get handlers who have less than the others on average, freed or held ones too")
    func shares() throws {
        var numbers = HandlerNumbers(highest: 16)
        for _ in 0..<2 { _ = try numbers.take(for: .user(1)) }
        for _ in 0..<10 { _ = try numbers.take(for: .user(2)) }
        refused(.noSpace) { () throws(DMAError) in try numbers.take(for: .user(2)) }
        // Revoked, but held by a channel: still the same tenant's.
        numbers.hold(3)
        numbers.free(3)
        refused(.noSpace) { () throws(DMAError) in try numbers.take(for: .user(2)) }
        for user: UInt32 in [1, 3, 3] { _ = try numbers.take(for: .user(user)) }
        numbers.release(3)
        refused(.noSpace) { () throws(DMAError) in try numbers.take(for: .user(2)) }
        #expect(try numbers.take(for: .user(3)) == 16)
        #expect(try numbers.take(for: .user(3)) == 3)
    }

    @Test("A user with memberships in all groups leaves the last ones to a user with fewer")
    func memberships() throws {
        var world = try World()
        world.table = try AccessGroupTable(limits: AccessGroupLimits(groupCount: 8), highestHandler: 8)
        // User 0's, then one of user 1.
        let id = try world.group(of: 5)
        try world.join(id, .numbered(11), .process(11))
        let error = #expect(throws: DMAError.self) { try world.join(id, .numbered(6), .process(6)) }
        #expect(error?.errno == .noSpace && error?.message.contains("user 0 has 5 handlers") == true)
        for process: UInt64 in [12, 13] { try world.join(id, .numbered(process), .process(process)) }
    }

    @Test("A handler comes back only when its revocation is confirmed and no channel holds it")
    func tableHolds() throws {
        var world = try World()
        world.table = try AccessGroupTable(limits: AccessGroupLimits(groupCount: 8), highestHandler: 2)
        let id = try world.group(of: 2)
        let handler = try world.handler(2, in: id)
        let mayHold = world.table.hold(handler, by: .process(1))
        #expect(mayHold)
        let revocation = try world.table.leave(id, by: .process(2))
        refused(.noSpace) { () throws(DMAError) in try world.join(id, .numbered(3), .process(3)) }
        world.table.confirm(revocation)
        refused(.noSpace) { () throws(DMAError) in try world.join(id, .numbered(3), .process(3)) }
        // Dead, it cannot be held anew.
        let mayHoldAgain = world.table.hold(handler, by: .process(1))
        #expect(!mayHoldAgain)
        world.table.release(handler)
        #expect(try world.join(id, .numbered(3), .process(3)) == handler)
    }

    @Test("Only members of its group may use, or hold, a handler")
    func members() throws {
        var world = try World()
        let id = try world.group(of: 2)
        let other = try world.table.create(.pair, domain: .numbered(3), token: world.token, by: .process(3))
        let handler = try world.handler(2, in: id)
        for process: UInt64 in [1, 2] { #expect(world.table.mayUse(handler, .process(process))) }
        for client: AccessGroupClient in [.process(3), .process(1, device: 1), .process(99)] {
            #expect(!world.table.mayUse(handler, client))
            let mayHold = world.table.hold(handler, by: client)
            #expect(!mayHold)
        }
        #expect(!world.table.mayUse(0, .process(1)))
        #expect(other != id)
    }
}
