import Glibc
import TestSupport
import Testing

/// Domains that are processes: all they know of each other is what one is told.
@Suite struct GroupProcessTests {
    private let host: ControllerHost
    private let token = Token()

    init() throws {
        host = try ControllerHost()
    }

    /// Two members of a group, the first of which made it.
    private func members() throws -> (group: Int, first: MemberProcess, second: MemberProcess, handlers: [UInt16]) {
        let (first, second) = (try MemberProcess(host.path), try MemberProcess(host.path))
        let made = try first.create(token)
        let joined: UInt16 = try second.number("join \(made.group) \(token.hex)")
        return (made.group, first, second, [made.handler, joined])
    }

    @Test(arguments: ["create 64", "create-pair"]) func theFlowOfThePatchesFromCreateToDestroy(create: String) throws {
        let (creator, joiner) = (try MemberProcess(host.path), try MemberProcess(host.path))
        // Process 1 makes the group and hands number and token over; process 2 joins.
        let made = try creator.ask("\(create) \(token.hex)").split(separator: " ")
        let (group, first) = (try #require(made.first), try #require(made.last))
        let second = try joiner.ask("join \(group) \(token.hex)")
        try creator.hear("joined:\(group):\(second)")
        // Both get the handlers.
        for member in [creator, joiner] {
            #expect(try member.ask("size \(group)") == "2")
            #expect(try member.ask("handlers \(group)") == "\(first) \(second)")
        }

        // Both let the other one reach memory, and find what the other one offers.
        let read: UInt64 = try creator.number("window \(group) 1 0 2")
        let written: UInt64 = try joiner.number("window \(group) 2 4 1")
        for member in [creator, joiner] {
            let windows = try member.ask("windows \(group)")
            #expect(windows == "\(first):\(read):8192:1 \(second):\(written):4096:2")
        }

        // Data go both ways: read from the peer, write to the peer, fill the peer; and from one peer to the other.
        _ = try creator.ask("put 0 8192 17")
        let own: UInt64 = try joiner.number("own")
        #expect(try joiner.ask("copy \(read) \(own) 8192 \(first) 0") == "successful")
        #expect(try joiner.ask("holds 0 8192 17") == "yes")
        let mine: UInt64 = try creator.number("own")
        _ = try creator.ask("put 12288 100 18")
        #expect(try creator.ask("copy \(mine + 12288) \(written) 100 0 \(second)") == "successful")
        #expect(try joiner.ask("holds 16384 100 18") == "yes")
        #expect(try joiner.ask("holds 16484 3996 0") == "yes")
        #expect(try creator.ask("fill \(written + 4088) 8 \(UInt64(0x1919_1919_1919_1919)) \(second)") == "successful")
        #expect(try joiner.ask("holds 20472 8 25") == "yes")
        #expect(try joiner.ask("holds 20480 4096 0") == "yes")
        #expect(try creator.ask("copy \(read) \(written) 16 \(first) \(second)") == "invalid_src_addr")
        // The channel may name the peer, too.
        #expect(try creator.ask("channel 0 \(second)") == "ok")
        #expect(try creator.ask("copy \(mine + 12288) \(written + 64) 4 0 0") == "successful")

        // Process 2 leaves; process 1 is told, and ends the group.
        #expect(try creator.ask("leave \(group)") == Refused.notPermitted)
        #expect(try joiner.ask("destroy \(group)") == Refused.notPermitted)
        #expect(try creator.ask("destroy \(group)") == Refused.busy)
        #expect(try joiner.ask("leave \(group)") == "ok")
        try creator.hear("left:\(group):\(second)")
        #expect(try creator.ask("size \(group)") == "1")
        #expect(try creator.ask("destroy \(group)") == "ok")
        for member in [creator, joiner] { #expect(try member.ask("size \(group)") == Refused.access) }
        #expect(try creator.events == ["joined:\(group):\(second)", "left:\(group):\(second)"])
        #expect(try joiner.events == [])
    }

    @Test func aWrongTokenAndAGroupThatIsNotThereAreTheSameAndNobodyHearsOfThem() throws {
        let creator = try MemberProcess(host.path)
        let made = try creator.create(token)
        let guesser = try MemberProcess(host.path)
        #expect(try guesser.ask("join \(made.group) \(Token().hex)") == Refused.access)
        #expect(try guesser.ask("join \((made.group + 1) % 256) \(token.hex)") == Refused.access)
        #expect(try guesser.ask("join 256 \(token.hex)") == Refused.invalid)
        #expect(try guesser.ask("window \(made.group) 3 0 1") == Refused.access)
        for command in ["size", "handlers", "windows", "leave", "destroy"] {
            #expect(try guesser.ask("\(command) \(made.group)") == Refused.access, "\(command)")
        }
        #expect(try creator.ask("size \(made.group)") == "1")
        #expect(try creator.events.isEmpty)
        // The device of the creator is in already.
        #expect(try creator.ask("join \(made.group) \(token.hex)") == Refused.exists)
        _ = try guesser.number("join \(made.group) \(token.hex)", as: UInt16.self)
    }

    @Test func aPairIsTwo() throws {
        let creator = try MemberProcess(host.path)
        let group = try #require(try creator.ask("create-pair \(token.hex)").split(separator: " ").first)
        let (second, third) = (try MemberProcess(host.path), try MemberProcess(host.path))
        _ = try second.number("join \(group) \(token.hex)", as: UInt16.self)
        #expect(try third.ask("join \(group) \(token.hex)") == Refused.full)
        #expect(try second.ask("leave \(group)") == "ok")
        _ = try third.number("join \(group) \(token.hex)", as: UInt16.self)
    }

    @Test func whoIsInNoGroupOrInAnotherOneMovesNotOneByte() throws {
        let (group, first, second, handlers) = try members()
        let window: UInt64 = try second.number("window \(group) 3 1 2")
        _ = try second.ask("put 0 262144 90")
        _ = first
        let stranger = try MemberProcess(host.path)
        let foreigner = try MemberProcess(host.path)
        let other = try foreigner.create(Token())
        _ = try foreigner.number("window \(other.group) 3 0 1", as: UInt64.self)
        for outsider in [stranger, foreigner] {
            let own: UInt64 = try outsider.number("own")
            // It knows everything but the token.
            for handler in handlers {
                #expect(try outsider.ask("copy \(own) \(window) 4096 0 \(handler)") == "invalid_dst_addr")
                #expect(try outsider.ask("fill \(window) 8 1 \(handler)") == "invalid_dst_addr")
                #expect(try outsider.ask("copy \(window) \(own) 4096 \(handler) 0") == "invalid_src_addr")
                #expect(try outsider.ask("channel \(handler) 0") == Refused.invalid)
                #expect(try outsider.ask("connect-anew") == "ok")
            }
            // Handlers that nobody has, and none at all.
            for handler in [0, 999, 65535] {
                let status = try outsider.ask("copy \(own) \(window) 4096 0 \(handler)")
                #expect(status == "invalid_dst_addr", "\(handler)")
            }
            #expect(try outsider.ask("holds 0 262144 0") == "yes")
        }
        #expect(try second.ask("holds 0 262144 90") == "yes")
    }

    @Test func oneByteOutsideAWindowAndTheWrongRightMoveNothing() throws {
        let (group, first, second, handlers) = try members()
        // Two pages in the middle of the owner's memory, and one that is only read.
        let window: UInt64 = try second.number("window \(group) 3 4 2")
        let readable: UInt64 = try second.number("window \(group) 1 8 1")
        let writable: UInt64 = try second.number("window \(group) 2 9 1")
        _ = try second.ask("put 0 262144 90")
        _ = try first.ask("put 0 262144 7")
        let own: UInt64 = try first.number("own")
        let peer = handlers[1]
        for (address, length) in [
            (window - 1, 1), (window + 8192, 1), (window - 1, 2), (window + 8191, 2), (window, 8193),
            (window - 4096, 4096), (window + 8192, 4096), (UInt64.max, 1), (UInt64.max - 4095, 4096), (0, 1),
            (readable, 1), (readable + 4095, 1), (window + 4096, 4097),
        ] as [(UInt64, Int)] {
            let status = try first.ask("copy \(own) \(address) \(length) 0 \(peer)")
            #expect(status == "invalid_dst_addr", "\(length) bytes to \(address &- window) of the window")
        }
        for (address, length) in [
            (window - 1, 1), (window + 8192, 1), (window + 8191, 2), (writable, 1), (readable + 4095, 2),
        ] as [(UInt64, Int)] {
            let status = try first.ask("copy \(address) \(own + 8192) \(length) \(peer) 0")
            #expect(status == "invalid_src_addr", "\(length) bytes from \(address &- window) of the window")
        }
        #expect(try first.ask("fill \(readable) 8 0 \(peer)") == "invalid_dst_addr")
        // The bytes of the window before the fault are unspecified; those of nobody's window are the owner's.
        #expect(try second.ask("holds 0 16384 90") == "yes")
        #expect(try second.ask("holds 24576 237568 90") == "yes")
        #expect(try first.ask("holds 0 8192 7") == "yes")
        #expect(try first.ask("holds 8194 253950 7") == "yes")
        // The last byte belongs to it.
        #expect(try first.ask("copy \(own) \(window + 8191) 1 0 \(peer)") == "successful")
        #expect(try second.ask("holds 24575 1 7") == "yes")
    }

    @Test func whoHasLeftReachesNothingAndIsNotReached() throws {
        let (group, first, second, handlers) = try members()
        let window: UInt64 = try first.number("window \(group) 3 0 1")
        let theirs: UInt64 = try second.number("window \(group) 3 0 1")
        for member in [first, second] { _ = try member.ask("put 0 4096 90") }
        #expect(try second.ask("leave \(group)") == "ok")
        let (mine, own): (UInt64, UInt64) = (try first.number("own"), try second.number("own"))
        #expect(try second.ask("copy \(own + 8192) \(window) 8 0 \(handlers[0])") == "user_abort")
        #expect(try second.ask("copy \(window) \(own + 8192) 8 \(handlers[0]) 0") == "user_abort")
        #expect(try first.ask("copy \(mine + 8192) \(theirs) 8 0 \(handlers[1])") == "user_abort")
        #expect(try second.ask("window \(group) 3 0 1") == Refused.access)
        #expect(try second.ask("channel \(handlers[0]) 0") == Refused.invalid)
        #expect(try first.ask("windows \(group)") == "\(handlers[0]):\(window):4096:3")
        for member in [first, second] { #expect(try member.ask("holds 0 4096 90") == "yes") }
        // It comes again as another member; the old number stays dead.
        #expect(try second.ask("connect-anew") == "ok")
        let again: UInt16 = try second.number("join \(group) \(token.hex)")
        #expect(!handlers.contains(again))
        #expect(try second.ask("copy \(own + 8192) \(window) 8 0 \(handlers[0])") == "successful")
        #expect(try first.ask("copy \(mine + 8192) \(theirs) 8 0 \(again)") == "invalid_dst_addr")
    }
}

/// The refusals, as a member says them.
enum Refused {
    static let access = "error \(EACCES)"
    static let notPermitted = "error \(EPERM)"
    static let busy = "error \(EBUSY)"
    static let invalid = "error \(EINVAL)"
    static let exists = "error \(EEXIST)"
    static let full = "error \(ENOSPC)"
}
