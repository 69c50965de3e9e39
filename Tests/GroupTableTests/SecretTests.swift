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
        var world = World()
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

    @Test("Two tables keep different marks of one token, and each knows it again")
    func marks() {
        let token = AccessToken.random()
        let (one, other) = (TokenGuard(), TokenGuard())
        let mark = one.mark(token)
        #expect(one.isMarked(token, as: mark))
        #expect(!one.isMarked(.random(), as: mark))
        #expect(!one.isMarked(token, as: nil))
        #expect(!other.isMarked(token, as: mark))
    }

    @Test("A token that differs in one bit only, wherever that is, is another one")
    func oneBit() throws {
        let bytes = [UInt8](repeating: 0x5A, count: 16)
        let guardian = TokenGuard()
        let mark = try #require(bytes.withUnsafeBytes { AccessToken(bytes: $0) }.map(guardian.mark))
        for bit in 0..<128 {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            let token = try #require(changed.withUnsafeBytes { AccessToken(bytes: $0) })
            #expect(!guardian.isMarked(token, as: mark))
        }
    }

    @Test("Failures to join are counted per group and user, and slow further tries down, right ones too")
    func throttling() throws {
        var world = World()
        let id = try world.group(of: 1)
        let other = try world.group(of: 1)
        func fail(_ process: UInt64) {
            refused(.permissionDenied) { () throws(DMAError) in
                try world.join(id, .numbered(process), .process(process), world.wrongToken)
            }
        }
        for _ in 0..<JoinThrottle.freeFailures {
            #expect(world.table.admitJoin(id, by: .process(2), at: world.now) == world.now)
            fail(2)
        }
        #expect(world.table.admitJoin(id, by: .process(2), at: world.now) == world.now)
        // From another process of the user, it is the user's fourth all the same.
        fail(3)
        let first = world.table.admitJoin(id, by: .process(4), at: world.now)
        let second = world.table.admitJoin(id, by: .process(5), at: world.now)
        #expect(first.nanoseconds(since: world.now) == JoinThrottle.firstWait)
        #expect(second.nanoseconds(since: first) == JoinThrottle.firstWait)
        // Others wait for nothing: another user, another group.
        #expect(world.table.admitJoin(id, by: .process(11), at: world.now) == world.now)
        #expect(world.table.admitJoin(other, by: .process(2), at: world.now) == world.now)

        for _ in 0..<20 { fail(2) }
        let start = world.table.admitJoin(id, by: .process(2), at: second)
        #expect(start.nanoseconds(since: second) == JoinThrottle.longestWait)
        // A long time after, all is forgotten.
        world.now = MonotonicTime(nanoseconds: start.nanoseconds + JoinThrottle.memory)
        #expect(world.table.admitJoin(id, by: .process(2), at: world.now) == world.now)
        fail(2)
        #expect(world.table.admitJoin(id, by: .process(2), at: world.now) == world.now)
    }

    @Test("Only a denied token counts as a failure to join")
    func whatCounts() throws {
        var world = World()
        let id = try world.group(of: 2, limit: 2)
        for _ in 0...JoinThrottle.freeFailures {
            refused(.noSpace) { () throws(DMAError) in try world.join(id, .numbered(3), .process(3)) }
            refused(.fileExists) { () throws(DMAError) in try world.join(id, .numbered(1), .process(3)) }
            refused(.invalidArgument) { () throws(DMAError) in try world.join(99, .numbered(3), .process(3)) }
            refused(.permissionDenied) { () throws(DMAError) in try world.join(5, .numbered(3), .process(3)) }
        }
        #expect(world.table.admitJoin(id, by: .process(3), at: world.now) == world.now)
        #expect(world.table.admitJoin(99, by: .process(3), at: world.now) == world.now)
        #expect(world.table.admitJoin(5, by: .process(3), at: world.now) > world.now)
    }
}
