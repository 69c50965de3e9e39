import Glibc
import TestSupport
import Testing

/// Memory that is taken back while others are at it, at full speed.
@Suite struct RevocationTests {
    private let host: ControllerHost
    private let token = Token()

    init() throws {
        host = try ControllerHost()
    }

    @Test func aMillionOperationsMoveNothingOnceALeaveHasReturned() throws {
        let (rounds, operations) = (20, 50_000)
        let writer = try MemberProcess(host.path)
        let owner = try MemberProcess(host.path)
        let heir = try MemberProcess(host.path)
        let group = try writer.create(token).group
        _ = try writer.ask("put 0 262144 1")
        var (done, revoked) = (0, 0)
        var seen: Set<UInt64> = []
        for round in 0..<rounds {
            let handler: UInt16 = try owner.number("join \(group) \(token.hex)")
            let window: UInt64 = try owner.number("window \(group) 3 0 64")
            #expect(seen.insert(window).inserted, "an address was given away twice")
            // Small ones and long ones: a long one is under way whenever it ends.
            writer.tell("flood \(operations) \(round % 2 == 0 ? 64 : 4096) \(window) \(handler)")
            #expect(try writer.line() == "flooding")
            // From its return on, the memory is the owner's own.
            #expect(try owner.ask("leave-and-put \(group) 2") == "ok")
            // Somebody else comes, whose memory may be mapped where the owner's was, and whose window is the next one.
            _ = try heir.ask("put 0 262144 3")
            let heirs: UInt16 = try heir.number("join \(group) \(token.hex)")
            let next: UInt64 = try heir.number("window \(group) 3 0 64")
            #expect(heirs != handler)
            #expect(seen.insert(next).inserted, "an address was given away twice")
            #expect(try owner.ask("holds 0 262144 2") == "yes", "round \(round), under the flood")
            #expect(try heir.ask("holds 0 262144 3") == "yes", "round \(round), under the flood")
            let counts = try statuses(writer.line())
            #expect(try owner.ask("holds 0 262144 2") == "yes", "round \(round)")
            #expect(try heir.ask("holds 0 262144 3") == "yes", "round \(round)")
            #expect(try heir.ask("leave \(group)") == "ok")
            // Done, or given up because the member has gone: nothing else.
            #expect(Set(counts.keys).isSubset(of: [0, 1]), "\(counts)")
            #expect(counts.values.reduce(0, +) == operations)
            done += counts[0] ?? 0
            revoked += counts[1] ?? 0
        }
        #expect(done + revoked == 1_000_000)
        #expect(done > 0 && revoked > 0, "\(done) done, \(revoked) revoked: they have not met")
        #expect(try owner.ask("leave \(group)") == "error \(EACCES)")
    }

    private func statuses(_ line: String) throws -> [Int: Int] {
        var counts: [Int: Int] = [:]
        for word in line.split(separator: " ") {
            let parts = word.split(separator: ":").compactMap { Int($0) }
            guard parts.count == 2 else { throw TestSupportError("a flood says: \(line)") }
            counts[parts[0]] = parts[1]
        }
        return counts
    }

    @Test func whatACloserOfAWindowAndADestroyerTakeBackIsTheirs() throws {
        let (writer, owner) = (try MemberProcess(host.path), try MemberProcess(host.path))
        let (group, handler) = try owner.create(token)
        _ = try writer.number("join \(group) \(token.hex)", as: UInt16.self)
        _ = try writer.ask("put 0 262144 1")
        for round in 0..<5 {
            let window: UInt64 = try owner.number("window \(group) 3 0 64")
            writer.tell("flood 5000 4096 \(window) \(handler)")
            #expect(try writer.line() == "flooding")
            #expect(try owner.ask("close-window \(window)") == "ok")
            _ = try owner.ask("put 0 262144 2")
            let counts = try statuses(writer.line())
            // The member is still there: its window is not.
            #expect(Set(counts.keys).isSubset(of: [0, 4]), "\(counts)")
            #expect(try owner.ask("holds 0 262144 2") == "yes", "round \(round)")
        }
        // The creator dies with its joiner inside, at work.
        let window: UInt64 = try owner.number("window \(group) 3 0 64")
        writer.tell("flood 20000 4096 \(window) \(handler)")
        #expect(try writer.line() == "flooding")
        try owner.kill()
        let counts = try statuses(writer.line())
        #expect(Set(counts.keys).isSubset(of: [0, 1]), "\(counts)")
        try writer.hear("destroyed:\(group):\(handler)")
        #expect(try writer.events == ["destroyed:\(group):\(handler)"])
    }

    @Test func oldAddressesReachNobodyWhoComesAfterwards() throws {
        let (reader, owner) = (try MemberProcess(host.path), try MemberProcess(host.path))
        let group = try reader.create(token).group
        let own: UInt64 = try reader.number("own")
        var old: [(handler: UInt16, iova: UInt64)] = []
        _ = try owner.ask("put 0 262144 7")
        for _ in 0..<10 {
            let handler: UInt16 = try owner.number("join \(group) \(token.hex)")
            let window: UInt64 = try owner.number("window \(group) 3 0 64")
            for (gone, iova) in old {
                // By the old number, by the new one, and by none.
                #expect(try reader.ask("copy \(iova) \(own) 64 \(gone) 0") == "user_abort")
                #expect(try reader.ask("copy \(own) \(iova) 64 0 \(handler)") == "invalid_dst_addr")
                #expect(try reader.ask("copy \(window) \(own) 64 \(gone) 0") == "user_abort")
                #expect(try reader.ask("copy \(iova) \(own) 64 0 0") == "invalid_src_addr")
            }
            old.append((handler, window))
            #expect(try owner.ask("leave \(group)") == "ok")
        }
        #expect(Set(old.map(\.iova)).count == 10 && Set(old.map(\.handler)).count == 10)
        #expect(try owner.ask("holds 0 262144 7") == "yes")
        #expect(try reader.ask("holds 0 262144 0") == "yes")
    }
}
