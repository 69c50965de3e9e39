import Foundation
import TestSupport
import Testing

/// Members and controllers that are killed at any moment, again and again, beside two who live on.
@Suite struct KillLoopTests {
    /// Two members of one group, who outlive everybody, and what the controller had when only they were there.
    private struct Survivors {
        let creator, joiner: MemberProcess
        var group = 0
        var census: ControllerCensus?

        init(_ path: String) throws {
            (creator, joiner) = (try MemberProcess(path), try MemberProcess(path))
        }

        var all: [MemberProcess] { [creator, joiner] }

        /// Makes their group with a controller, and notes what that one has then.
        mutating func settle(_ host: ControllerHost, _ token: Token) throws {
            group = try creator.create(token).group
            _ = try joiner.number("join \(group) \(token.hex)", as: UInt16.self)
            let settled: ControllerCensus = try eventually("what closes and maps for others has ended") {
                let now = try ControllerCensus(host)
                return now.hasHelpers ? nil : now
            }
            census = settled
        }
    }

    private let directory: TemporaryDirectory
    private let token = Token()

    init() throws {
        directory = try TemporaryDirectory()
    }

    @Test func twoHundredKillsLeaveNothingAndEachEventComesOnce() throws {
        var random = SeededGenerator(for: "two hundred kills")
        var host = try ControllerHost(in: directory)
        var survivors = try Survivors(host.path)
        try survivors.settle(host, token)
        var kills = ["joiner": 0, "creator": 0, "controller": 0]
        for round in 0..<200 {
            switch random.next() % 10 {
            case 0:
                kills["controller"]! += 1
                try expectNothingLeft(host, survivors, "round \(round)")
                host = try killController(host, &survivors, &random)
            case 1...3:
                kills["creator"]! += 1
                try killCreator(host, survivors, &random)
            default:
                kills["joiner"]! += 1
                try killJoiner(host, survivors, &random)
            }
        }
        print("two hundred kills: \(kills)")
        try expectNothingLeft(host, survivors, "at the end")
        for survivor in survivors.all {
            survivor.program.closeInput()
            try survivor.program.wait()
        }
        host.program.closeInput()
        #expect(try host.program.wait().exit == .exited(0))
        #expect(try directory.contents.isEmpty)
    }

    /// Lets a moment pass that is somewhere between none and the whole life of a victim.
    private func passAMoment(_ random: inout SeededGenerator) {
        let until = ContinuousClock.now + .microseconds(Int(random.next() % 30_000))
        while ContinuousClock.now < until { sched_yield() }
    }

    private func killJoiner(
        _ host: ControllerHost, _ survivors: Survivors, _ random: inout SeededGenerator
    ) throws {
        let victim = try RunningProgram(builtProduct("controller-member"), [host.path])
        // It does all it can, and says nothing that anybody waits for.
        victim.write("join \(survivors.group) \(token.hex)\nwindow \(survivors.group) 3 0 64\n")
        victim.write("window \(survivors.group) 1 8 4\ncreate 4 \(token.hex)\nwindows \(survivors.group)\n")
        if random.next() % 2 == 0 { try victim.waitForOutput(containing: "\n") }
        passAMoment(&random)
        victim.kill(SIGKILL)
        try victim.wait()
        for survivor in survivors.all {
            while try survivor.ask("size \(survivors.group)") != "2" { sched_yield() }
        }
    }

    private func killCreator(
        _ host: ControllerHost, _ survivors: Survivors, _ random: inout SeededGenerator
    ) throws {
        let victim = try MemberProcess(host.path)
        let made = try victim.create(token)
        let window: UInt64 = try victim.number("window \(made.group) 3 0 64")
        let witness = survivors.joiner
        // The join, or work on what it gives, is under way when the creator goes.
        let joinsFirst = random.next() % 4 != 0
        if joinsFirst { _ = try witness.number("join \(made.group) \(token.hex)", as: UInt16.self) }
        witness.tell(
            joinsFirst
                ? "flood 2000 4096 \(window) \(made.handler)" : "join \(made.group) \(token.hex)")
        passAMoment(&random)
        try victim.kill()
        var answer = try witness.line()
        if answer == "flooding" { answer = try witness.line() }
        let hasJoined = joinsFirst || UInt16(answer) != nil
        let end = "destroyed:\(made.group):\(made.handler)"
        if hasJoined {
            try witness.hear(end)
        } else {
            #expect(answer == "error \(EACCES)")
        }
        #expect(try witness.ask("size \(made.group)") == "error \(EACCES)")
        #expect(try witness.events.count { $0 == end } == (hasJoined ? 1 : 0))
    }

    /// The socket stays behind, and the next controller takes its place.
    private func killController(
        _ host: ControllerHost, _ survivors: inout Survivors, _ random: inout SeededGenerator
    ) throws -> ControllerHost {
        // Somebody is in the middle of something.
        let bystander = try RunningProgram(builtProduct("controller-member"), [host.path])
        bystander.write("join \(survivors.group) \(token.hex)\nwindow \(survivors.group) 3 0 64\n")
        passAMoment(&random)
        host.program.kill(SIGKILL)
        try host.program.wait()
        bystander.kill(SIGKILL)
        try bystander.wait()
        #expect(FileManager.default.fileExists(atPath: host.path))
        for survivor in survivors.all {
            while try survivor.ask("is-halted") != "yes" { sched_yield() }
        }
        let next = try ControllerHost(in: directory)
        for survivor in survivors.all { #expect(try survivor.ask("connect-anew") == "ok") }
        try survivors.settle(next, token)
        return next
    }

    private func expectNothingLeft(_ host: ControllerHost, _ survivors: Survivors, _ when: Comment) throws {
        let deadline = ContinuousClock.now + .seconds(60)
        var now = try ControllerCensus(host)
        while now != survivors.census, ContinuousClock.now < deadline {
            sched_yield()
            now = try ControllerCensus(host)
        }
        #expect(now == survivors.census, when)
        // Whoever has come has gone, each once, and to both in the same words.
        for survivor in survivors.all {
            let own = survivor === survivors.creator ? 1 : 0
            // The last notice may be on its way.
            let (events, left) = try eventually("whoever has joined has left") {
                let events = try survivor.events
                let joined = events.filter { $0.hasPrefix("joined:\(survivors.group):") }
                let left = events.filter { $0.hasPrefix("left:\(survivors.group):") }
                return joined.count == left.count + own ? (events, left) : nil
            }
            #expect(Set(events).count == events.count, when)
            for event in left {
                let arrival = event.replacingOccurrences(of: "left", with: "joined")
                #expect(try #require(events.firstIndex(of: arrival)) < #require(events.firstIndex(of: event)), when)
            }
        }
    }
}
