import DMADev
import SystemPackage
import Testing

@testable import GroupTable

/// Handler numbers: when they come back.
@Suite struct HandlerTests {
    @Test("Freed numbers come back last of all, the longest free first")
    func reuse() {
        var numbers = HandlerNumbers(highest: 5)
        #expect((0..<3).map { _ in numbers.take() } == [1, 2, 3])
        numbers.free(2)
        numbers.free(1)
        #expect((0..<4).map { _ in numbers.take() } == [4, 5, 2, 1])
        #expect(numbers.take() == nil)
        numbers.free(5)
        #expect(numbers.take() == 5)
    }

    @Test("A number that is held does not come back before the last hold ends")
    func holds() {
        var numbers = HandlerNumbers(highest: 1)
        #expect(numbers.take() == 1)
        numbers.hold(1)
        numbers.hold(1)
        numbers.free(1)
        #expect(numbers.take() == nil)
        numbers.release(1)
        #expect(numbers.take() == nil)
        numbers.release(1)
        #expect(numbers.take() == 1)
        // A release too many gives nothing away.
        numbers.release(1)
        #expect(numbers.take() == nil)
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
