import DMADev
import GroupTable
import SystemPackage
import Testing

/// What all tenants share is never all for a few.
@Suite struct SharedNumbersTests {
    @Test("Of the last quarter only those may take who have less than the others on average")
    func lastQuarter() {
        var taken: [Tenant: Int] = [:]
        // Some take whatever they get, in turn; then others come.
        for user: UInt32 in [1, 2, 3] {
            for _ in 0..<100 where Tenant.user(user).mayTakeOne(of: 100, taken: taken) {
                taken[.user(user), default: 0] += 1
                if user < 3, taken[.user(user)] == 37 { break }
            }
        }
        #expect(taken == [.user(1): 37, .user(2): 37, .user(3): 26])
        #expect(!Tenant.user(4).mayTakeOne(of: 100, taken: taken))
        taken[.user(3)] = 1
        // In the last quarter now: the greedy ones get nothing, those who have little do.
        for user: UInt32 in 1...2 { #expect(!Tenant.user(user).mayTakeOne(of: 100, taken: taken)) }
        for user: UInt32 in 3...5 { #expect(Tenant.user(user).mayTakeOne(of: 100, taken: taken)) }
    }

    @Test("A tenant that is alone takes what its quota allows")
    func alone() {
        #expect(Tenant.user(1).mayTakeOne(of: 8, taken: [.user(1): 7]))
        #expect(!Tenant.user(1).mayTakeOne(of: 8, taken: [.user(1): 8]))
        #expect(Tenant.user(1).mayTakeOne(of: 1, taken: [:]))
    }

    @Test("A user with many groups leaves the last ones to a user with fewer")
    func groups() throws {
        var world = try World(AccessGroupLimits(groupCount: 8))
        // User 1's, then user 0's.
        _ = try world.table.create(.pair, domain: .numbered(1), token: .random(), by: .process(11))
        for _ in 0..<5 { _ = try world.table.create(.pair, domain: .numbered(1), token: .random(), by: .process(1)) }
        refused(.noSpace) { () throws(DMAError) in
            try world.table.create(.pair, domain: .numbered(1), token: .random(), by: .process(1))
        }
        for _ in 0..<2 { _ = try world.table.create(.pair, domain: .numbered(1), token: .random(), by: .process(11)) }
    }
}
