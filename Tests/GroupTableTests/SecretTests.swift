import DMADev
import LinuxSystem
import SystemPackage
import Testing

@testable import GroupTable

/// Tokens: what is kept, what is shown, and how slow guessing is.
@Suite struct SecretTests {
    @Test("No description, dump or mirror of the table, its members, tokens or errors has a byte of a token")
    func nothingShows() throws {
        // Bytes that nothing else has in any of the ways to print them.
        let bytes: [UInt8] = (0..<16).map { 0xA1 &+ $0 &* 3 }
        let token = try #require(bytes.withUnsafeBytes { AccessToken(bytes: $0) })
        var world = try World()
        let id = try world.table.create(.pair, domain: .numbered(1), token: token, by: .process(1))
        var shown: [String] = []
        do throws(DMAError) {
            try world.join(id, .numbered(2), .process(2))
            Issue.record("a wrong token was taken")
        } catch {
            shown += ["\(error)", "\(String(reflecting: error))"]
        }
        try world.join(id, .numbered(2), .process(2), token)
        var text = ""
        dump(world.table, to: &text)
        dump(token, to: &text)
        dump(try world.table.group(id, for: .process(1)), to: &text)
        shown += [text, "\(token)", String(reflecting: token), "\(world.table)", String(reflecting: world.table)]
        shown += [String(describing: Mirror(reflecting: world.table).children.map { "\($0)" })]
        let pairs = zip(bytes, bytes.dropFirst())
        for text in shown {
            for (first, second) in pairs {
                let hexadecimal = String(first, radix: 16) + String(second, radix: 16)
                #expect(!text.lowercased().contains(hexadecimal))
                #expect(!text.contains("\(first), \(second)"))
                #expect(!text.contains("\(first)\n") || !text.contains("\(second)\n"))
            }
        }
    }

    @Test("A token's memory is its own, and reads as what it was made of")
    func tokenBytes() throws {
        let bytes = [UInt8](0..<16)
        let token = try #require(bytes.withUnsafeBytes { AccessToken(bytes: $0) })
        #expect(token.withUnsafeBytes { Array($0) } == bytes)
        for count in [0, 15, 17] {
            #expect([UInt8](repeating: 1, count: count).withUnsafeBytes { AccessToken(bytes: $0) } == nil)
        }
        let random = (0..<64).map { _ in AccessToken.random().withUnsafeBytes { Array($0) } }
        #expect(Set(random).count == 64)
    }

    @Test("A kept token is known again; another one, and any where none is kept, is not")
    func matching() throws {
        let token = AccessToken.random()
        let store = try TokenStore(capacity: 1)
        let kept = try #require(store.keep(token))
        #expect(store.matches(token, kept))
        #expect(!store.matches(.random(), kept))
        #expect(!store.matches(token, nil))
    }

    @Test("A token that differs in one bit only, wherever that is, is another one")
    func oneBit() throws {
        let bytes = [UInt8](repeating: 0x5A, count: 16)
        let store = try TokenStore(capacity: 1)
        let kept = try #require(bytes.withUnsafeBytes { AccessToken(bytes: $0) }.flatMap(store.keep))
        for bit in 0..<128 {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            let token = try #require(changed.withUnsafeBytes { AccessToken(bytes: $0) })
            #expect(!store.matches(token, kept))
        }
    }

    @Test("A table has room for the tokens of all its groups, and of the joins that wait; they give it back")
    func room() throws {
        var table = try AccessGroupTable(limits: AccessGroupLimits(groupCount: 3, waitingJoins: 2))
        for _ in 0..<10 {
            let ids = try (0..<3).map { _ in
                try table.create(.pair, domain: .numbered(1), token: .random(), by: .process(1))
            }
            refused(.noSpace) { () throws(DMAError) in
                try table.create(.pair, domain: .numbered(1), token: .random(), by: .process(1))
            }
            let waiting = (0..<2).map { _ in table.keep(.random()) }
            #expect(waiting.allSatisfy { $0 != nil })
            #expect(table.keep(.random()) == nil)
            for id in ids { table.confirm(try table.destroy(id, by: .process(1))) }
        }
    }

    @Test("A join that waited is judged by the token that it came with")
    func waitingToken() throws {
        var world = try World()
        let id = try world.group(of: 1)
        let kept = try #require(world.table.keep(world.token))
        let wrong = try #require(world.table.keep(world.wrongToken))
        refused(.permissionDenied) { () throws(DMAError) in try world.join(id, .numbered(2), .process(2), wrong) }
        try world.join(id, .numbered(2), .process(2), kept)
        // The group is gone, and its token with it.
        world.table.confirm(world.table.depart(.process(1)))
        refused(.permissionDenied) { () throws(DMAError) in try world.join(id, .numbered(3), .process(3), kept) }
    }

    @Test("Failures to join are counted per group and tenant, and delay further tries by at most 1 s, right ones too")
    func throttling() throws {
        var world = try World()
        let id = try world.group(of: 1)
        let other = try world.group(of: 1)
        func fail(_ process: UInt64) {
            refused(.permissionDenied) { () throws(DMAError) in
                try world.join(id, .numbered(process), .process(process), world.wrongToken)
            }
        }
        func wait(_ process: UInt64, _ id: AccessGroupID) -> UInt64 {
            world.table.admitJoin(id, by: .process(process), at: world.now).moment.nanoseconds(since: world.now)
        }
        for _ in 0..<JoinThrottle.freeFailures {
            #expect(wait(2, id) == 0)
            fail(2)
        }
        #expect(wait(2, id) == 0)
        // From another process of the user, it is the user's fourth all the same.
        fail(3)
        // However many wait, each waits until the same time.
        for process: UInt64 in 2...9 { #expect(wait(process, id) == JoinThrottle.firstWait) }
        // Others wait for nothing: another user, another group.
        #expect(wait(11, id) == 0)
        #expect(wait(2, other) == 0)

        for _ in 0..<2000 { fail(2) }
        #expect(wait(2, id) == JoinThrottle.longestWait)
        #expect(JoinThrottle.longestWait == 1_000_000_000)
        // A long time after, all is forgotten.
        world.now = MonotonicTime(nanoseconds: world.now.nanoseconds + JoinThrottle.memory)
        #expect(wait(2, id) == 0)
        fail(2)
        #expect(wait(2, id) == 0)
    }

    @Test("A new group of the same number inherits no delay, and no join that was sent to the one before")
    func delaysEndWithTheGroup() throws {
        var world = try World(AccessGroupLimits(groupCount: 1))
        func fail(_ id: AccessGroupID) {
            for _ in 0..<10 {
                refused(.permissionDenied) { () throws(DMAError) in
                    try world.join(id, .numbered(2), .process(2), world.wrongToken)
                }
            }
            #expect(world.table.admitJoin(id, by: .process(2), at: world.now).moment > world.now)
        }
        fail(0)
        let absent = world.table.admitJoin(0, by: .process(2), at: world.now)
        let id = try world.group(of: 1)
        #expect(id == 0 && world.table.admitJoin(id, by: .process(2), at: world.now).moment == world.now)
        fail(id)
        let first = world.table.admitJoin(id, by: .process(2), at: world.now)
        world.table.confirm(try world.table.destroy(id, by: .process(1)))
        let next = try world.group(of: 1)
        #expect(next == id && world.table.admitJoin(next, by: .process(2), at: world.now).moment == world.now)
        // Joins that have waited: even the token of the new group is not compared, and they do not count as failures.
        for admission in [absent, first] {
            for _ in 0..<10 {
                refused(.permissionDenied) { () throws(DMAError) in
                    try world.table.join(
                        next, domain: .numbered(2), token: world.token, by: .process(2), at: world.now,
                        admission: admission)
                }
            }
        }
        let admission = world.table.admitJoin(next, by: .process(2), at: world.now)
        #expect(admission.moment == world.now)
        _ = try world.table.join(
            next, domain: .numbered(2), token: world.token, by: .process(2), at: world.now, admission: admission)
    }

    @Test("Only a denied token counts as a failure to join")
    func whatCounts() throws {
        var world = try World()
        let id = try world.group(of: 2, limit: 2)
        for _ in 0...JoinThrottle.freeFailures {
            refused(.noSpace) { () throws(DMAError) in try world.join(id, .numbered(3), .process(3)) }
            refused(.fileExists) { () throws(DMAError) in try world.join(id, .numbered(1), .process(3)) }
            refused(.invalidArgument) { () throws(DMAError) in try world.join(99, .numbered(3), .process(3)) }
            refused(.permissionDenied) { () throws(DMAError) in try world.join(5, .numbered(3), .process(3)) }
        }
        #expect(world.table.admitJoin(id, by: .process(3), at: world.now).moment == world.now)
        #expect(world.table.admitJoin(99, by: .process(3), at: world.now).moment == world.now)
        #expect(world.table.admitJoin(5, by: .process(3), at: world.now).moment > world.now)
    }
}
