import GuestTestSupport
import TestSupport
import Testing

/// The steps of one group of three applications on three operating systems: the flow of DPDK's RFC for groups.
///
/// Each has a buffer of 64 pages, and a window of the first 16.
final class GroupFlow {
    private static let (windowLength, scratch, halfScratch) = (65536, 131072 as UInt64, 196608 as UInt64)
    private let all: [any Application]
    private let token = Token()
    private var group = 0
    /// By application: host, one, two.
    private(set) var handlers: [UInt16] = []
    private var windows: [UInt64] = []
    private var own: [UInt64] = []
    /// The length of the transfer that is followed through the traces; no other has it.
    static let followedLength = 12288

    init(_ host: MemberProcess, _ one: GuestMember, _ two: GuestMember) throws {
        all = [host, one, two]
        // From now on they call the domains of other operating systems: flags 6 and 7.
        for application in all { try expect(application, "others os", "ok") }
    }

    private func expect(
        _ application: any Application, _ command: String, _ answer: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let given = try application.ask(command)
        #expect(given == answer, "\(command)", sourceLocation: sourceLocation)
    }

    private func expectEvent(_ event: String, at numbers: Int...) throws {
        for number in numbers {
            try eventually("\(event) is delivered to \(number)") {
                try all[number].ask("events").split(separator: " ").contains { $0 == event }
            }
        }
    }

    private func expectSize(_ size: Int, at numbers: Int...) throws {
        for number in numbers { try expect(all[number], "size \(group)", "\(size)") }
    }

    // MARK: Steps

    /// The host creates the group; the guests join with its number and token; all read size and table.
    func createAndJoin() throws {
        let made = try all[0].ask("create 3 \(token.hex)").split(separator: " ")
        try #require(made.count == 2)
        group = try #require(Int(made[0]))
        handlers = [try #require(UInt16(made[1]))]
        try expectSize(1, at: 0)
        for number in 1...2 {
            try expect(all[number], "join \(group) \(Token().hex)", "error 13")
            let answer = try all[number].ask("join \(group) \(token.hex)")
            handlers.append(try #require(UInt16(answer), "\(answer)"))
            try expectEvent("joined:\(group):\(handlers[number])", at: 0)
        }
        try expectEvent("joined:\(group):\(handlers[2])", at: 1)
        #expect(Set(handlers).count == 3)
        try expectSize(3, at: 0, 1, 2)
        for application in all {
            let table = try application.ask("handlers \(group)").split(separator: " ").compactMap { UInt16($0) }
            #expect(Set(table) == Set(handlers))
        }
    }

    /// Each accesses the memory of the others, by flags: of a source, a destination, and of both.
    func transfer() throws {
        for application in all {
            let answers = (try application.ask("window \(group) 3 0 16"), try application.ask("own"))
            windows.append(try #require(UInt64(answers.0), "\(answers)"))
            own.append(try #require(UInt64(answers.1), "\(answers)"))
        }
        let (host, one, two) = (all[0], all[1], all[2])
        // Guest two reads from guest one.
        try expect(one, "put 0 65536 11", "ok")
        try copy(by: two, windows[1], own[2] + Self.scratch, Self.followedLength, source: 1)
        try expect(two, "holds \(Self.scratch) \(Self.followedLength) 11", "yes")
        // Guest one writes to guest two; the host reads that there.
        try expect(one, "put \(Self.scratch) 65536 12", "ok")
        try copy(by: one, own[1] + Self.scratch, windows[2], destination: 2)
        try expect(two, "holds 0 65536 12", "yes")
        try copy(by: host, windows[2], own[0] + Self.scratch, source: 2)
        try expect(host, "holds \(Self.scratch) 65536 12", "yes")
        // The host writes to guest one, and moves the same from guest one to guest two.
        try expect(host, "put \(Self.halfScratch) 65536 13", "ok")
        try copy(by: host, own[0] + Self.halfScratch, windows[1], destination: 1)
        try expect(one, "holds 0 65536 13", "yes")
        try copy(by: host, windows[1], windows[2], source: 1, destination: 2)
        try expect(two, "holds 0 65536 13", "yes")
        // Guest two writes to the host.
        try expect(two, "put \(Self.scratch) 65536 14", "ok")
        try copy(by: two, own[2] + Self.scratch, windows[0], destination: 0)
        try expect(host, "holds 0 65536 14", "yes")
    }

    /// The same by channels of the domain type *OS*, which name the handler instead of each operation.
    func transferByChannels() throws {
        let (one, two) = (all[1], all[2])
        try expect(two, "channel \(handlers[1]) 0", "ok")
        try expect(one, "put 0 4096 21", "ok")
        try expect(two, "copy \(windows[1]) \(own[2] + Self.scratch) 4096 0 0", "successful")
        try expect(two, "holds \(Self.scratch) 4096 21", "yes")
        try expect(one, "channel 0 \(handlers[2])", "ok")
        try expect(one, "put \(Self.scratch) 4096 22", "ok")
        try expect(one, "copy \(own[1] + Self.scratch) \(windows[2]) 4096 0 0", "successful")
        try expect(two, "holds 0 4096 22", "yes")
    }

    /// Only the creator destroys, and no group with others in it; only others leave; a window has an end.
    func refuseWhatIsNotAllowed() throws {
        try expect(all[0], "leave \(group)", "error 1")
        try expect(all[1], "destroy \(group)", "error 1")
        try expect(all[0], "destroy \(group)", "error 16")
        let end = windows[1] + UInt64(Self.windowLength)
        try expect(all[0], "copy \(end - 8) \(own[0]) 16 \(handlers[1]) 0", "invalid_src_addr")
        try expect(all[0], "copy \(own[0]) \(end - 8) 16 0 \(handlers[1])", "invalid_dst_addr")
    }

    /// Guest two leaves: its handler is refused, and the others go on.
    func leave() throws {
        try expect(all[2], "leave \(group)", "ok")
        try expectEvent("left:\(group):\(handlers[2])", at: 0, 1)
        try expectSize(2, at: 0, 1)
        try expect(all[0], "copy \(windows[2]) \(own[0] + Self.scratch) 4096 \(handlers[2]) 0", "user_abort")
        try expect(all[1], "copy \(own[1] + Self.scratch) \(windows[2]) 4096 0 \(handlers[2])", "user_abort")
        try expect(all[2], "copy \(windows[1]) \(own[2] + Self.scratch) 4096 \(handlers[1]) 0", "user_abort")
        // No new channel can name it.
        try expect(all[0], "channel \(handlers[2]) 0", "error 22")
        try expect(all[0], "channel \(handlers[1]) 0", "ok")
        try copy(by: all[0], windows[1], own[0] + Self.scratch, source: 1)
    }

    /// The machine of guest one has ended, and its application with it.
    func expectDeath() throws {
        try expectEvent("left:\(group):\(handlers[1])", at: 0)
        try expectSize(1, at: 0)
        try expect(all[0], "copy \(windows[1]) \(own[0] + Self.scratch) 4096 \(handlers[1]) 0", "user_abort")
        try expect(all[0], "destroy \(group)", "ok")
        // Each once, in order.
        let events = [("joined", 1), ("joined", 2), ("left", 2), ("left", 1)]
        #expect(
            try all[0].ask("events") == events.map { "\($0):\(group):\(handlers[$1])" }.joined(separator: " "))
    }

    private func copy(
        by application: any Application, _ from: UInt64, _ to: UInt64, _ length: Int = windowLength, source: Int? = nil,
        destination: Int? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let names = [source, destination].map { "\($0.map { handlers[$0] } ?? 0)" }.joined(separator: " ")
        try expect(application, "copy \(from) \(to) \(length) \(names)", "successful", sourceLocation: sourceLocation)
    }
}

/// A `controller-member`, wherever it runs.
protocol Application {
    func ask(_ command: String) throws -> String
}

extension MemberProcess: Application {}
extension GuestMember: Application {}
