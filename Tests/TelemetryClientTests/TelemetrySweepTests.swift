import LinuxSystem
import TelemetryClient
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

/// Many servers asked at once.
@Suite struct TelemetrySweepTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// Asks for `/x` some times, and keeps the answers.
    private final class Script: TelemetryConversation {
        var left: Int
        var version: String?
        var replies: [JSONTree] = []
        /// The time that each reply costs.
        var takingTime = Duration.zero

        init(_ count: Int = 1) { left = count }

        func begin(_ greeting: TelemetryGreeting, peer: PeerCredentials) { version = greeting.version }

        func nextRequest() -> String? {
            left -= 1
            return left >= 0 ? "/x,1" : nil
        }

        func take(_ reply: JSONTree, to request: String) {
            replies.append(reply)
            let end = MonotonicTime.now.advanced(by: takingTime)
            while takingTime > .zero, MonotonicTime.now < end {}
        }
    }

    private static let reply = FakePeer.Step.send(#"{"/x":7}"#)
    private static let long = String(repeating: "a", count: 5000)

    /// The outcome with a peer that follows a script, asked together with one that answers.
    private func outcome(
        _ steps: [FakePeer.Step]?, asking count: Int = 1,
        _ sweep: TelemetrySweep = TelemetrySweep(timeout: .seconds(60))
    ) throws -> TelemetryClientError.Code? {
        let directory = try TemporaryDirectory()
        let good = try FakePeer(
            directory.file("good"), [.send(FakePeer.greeting), .receive, Self.reply, .waitForEnd])
        let bad = try FakePeer(directory.file("bad"), steps)
        let scripts = [Script(count), Script()]
        let outcomes = try sweep.run([(bad.path, scripts[0]), (good.path, scripts[1])])
        #expect(outcomes[1].failure == nil)
        #expect(scripts[1].replies == [.integer(7)])
        #expect(outcomes[0].peer?.pid == outcomes[1].peer?.pid)
        return outcomes[0].failure?.code
    }

    @Test func allAreAskedAndAnswer() throws {
        let peers = try (0..<40).map {
            try FakePeer(
                directory.file("\($0)"),
                [.send(FakePeer.greeting), .receive, Self.reply, .receive, Self.reply, .waitForEnd])
        }
        let scripts = peers.map { _ in Script(2) }
        // Fewer at a time than there are: they take turns.
        var sweep = TelemetrySweep(timeout: .seconds(60))
        sweep.maximumConnections = 7
        let outcomes = try sweep.run(zip(peers, scripts).map { ($0.path, $1) })
        #expect(outcomes.allSatisfy { $0.failure == nil && $0.peer != nil })
        #expect(scripts.allSatisfy { $0.replies == [.integer(7), .integer(7)] && $0.version == "DPDK 26.11.0-rc0" })
        #expect(try sweep.run([]).isEmpty)
    }

    /// The peer answers nothing before it has the requests that it may have at a time.
    @Test func requestsGoTogether() throws {
        let (limit, more) = (16, 24)
        let steps =
            [.send(FakePeer.greeting)] + [FakePeer.Step](repeating: .receive, count: limit)
            + (0..<more).flatMap { _ in [Self.reply, .receive] } + [FakePeer.Step](repeating: Self.reply, count: limit)
        #expect(try outcome(steps + [.waitForEnd], asking: limit + more) == nil)
        #expect(try outcome(steps.dropLast(limit), asking: limit + more) == .disconnected)
    }

    @Test func aPeerThatNeverAnswersCostsItsTime() throws {
        #expect(try outcome(nil, TelemetrySweep(timeout: .milliseconds(200))) == .timedOut)
        #expect(try outcome([.waitForEnd], TelemetrySweep(timeout: .milliseconds(200))) == .timedOut)
    }

    @Test func aPeerThatGreetsAndFallsSilentCostsItsTime() throws {
        let steps = [FakePeer.Step.send(FakePeer.greeting), .waitForEnd]
        #expect(try outcome(steps, TelemetrySweep(timeout: .milliseconds(200))) == .timedOut)
    }

    @Test func junkIsTold() throws {
        #expect(try outcome([.send("good morning"), .waitForEnd]) == .notTelemetry)
    }

    @Test(arguments: ["{", "7", "{\"/y\":7}", "{\"/x\":7,\"/y\":7}", "{\"/x,1\":7}", "\u{0}"])
    func aReplyToSomethingElseIsNone(reply: String) throws {
        #expect(try outcome([.send(FakePeer.greeting), .receive, .send(reply), .waitForEnd]) == .invalidJSON)
    }

    @Test func aFloodIsCutOff() throws {
        let flood = [FakePeer.Step](repeating: .send("{\"/x\":\"\(Self.long)\"}"), count: 100)
        var sweep = TelemetrySweep(timeout: .seconds(60))
        sweep.maximumLength = 50_000
        #expect(try outcome([.send(FakePeer.greeting)] + flood + [.waitForEnd], asking: 100, sweep) == .tooLong)
        // Nobody asked for that.
        #expect(try outcome([.send(FakePeer.greeting), .send("{}")] + flood + [.waitForEnd]) == .invalidJSON)
    }

    @Test func aReplyIsAsLongAsItMayBe() throws {
        var sweep = TelemetrySweep(timeout: .seconds(60))
        sweep.maximumReplyLength = Self.long.utf8.count + 9
        func steps(_ text: String) -> [FakePeer.Step] {
            [.send(FakePeer.greeting), .receive, .send("{\"/x\":\"\(text)\"}"), .waitForEnd]
        }
        #expect(try outcome(steps(Self.long), sweep) == nil)
        #expect(try outcome(steps(Self.long + "a"), sweep) == .tooLong)
    }

    @Test func aReplyIsNoLongerThanTheGreetingSays() throws {
        func steps(_ length: Int, _ text: String) -> [FakePeer.Step] {
            [
                .send(FakePeer.greeting(maximumOutputLength: length)), .receive, .send("{\"/x\":\"\(text)\"}"),
                .waitForEnd,
            ]
        }
        let text = Self.long + Self.long
        #expect(try outcome(steps(10_002, text)) == nil)
        #expect(try outcome(steps(1000, text)) == .tooLong)
        let long = FakePeer.greeting.replacing("DPDK", with: Self.long)
        #expect(try outcome([.send(long), .receive, Self.reply, .waitForEnd]) == .tooLong)
    }

    /// Beyond the length for all, each may still send its share.
    @Test func manyThatSendMuchLeaveOthersTheirShare() throws {
        let flood = [FakePeer.Step](
            repeating: .send("{\"/x\":\"\(Self.long)\"}"), count: 100
        ).flatMap { [.receive, $0] }
        let answers = [FakePeer.Step](repeating: Self.reply, count: 100).flatMap { [.receive, $0] }
        let peers = try [flood, flood, flood, answers].enumerated().map { number, steps in
            try FakePeer(directory.file("\(number)"), [.send(FakePeer.greeting)] + steps + [.waitForEnd])
        }
        let scripts = peers.map { _ in Script(100) }
        var sweep = TelemetrySweep(timeout: .seconds(60))
        sweep.maximumTotalLength = 60_000
        let outcomes = try sweep.run(zip(peers, scripts).map { ($0.path, $1) })
        #expect(outcomes.map { $0.failure?.code } == [.tooLong, .tooLong, .tooLong, nil])
        // A quarter, and at most what the others have not sent.
        #expect(scripts[..<3].allSatisfy { (2...12).contains($0.replies.count) }, "\(scripts.map(\.replies.count))")
        #expect(scripts[3].replies.count == 100)
    }

    @Test func theTimeForRepliesCountsForTheirPeerOnly() throws {
        let steps = [FakePeer.Step.send(FakePeer.greeting)] + (0..<3).flatMap { _ in [.receive, Self.reply] }
        let peers = try (0..<4).map { try FakePeer(directory.file("\($0)"), steps + [.waitForEnd]) }
        let scripts = peers.map { _ in Script(3) }
        let timeout = Duration.seconds(1)
        for script in scripts[..<3] { script.takingTime = timeout * 1.1 }
        let outcomes = try TelemetrySweep(timeout: timeout).run(zip(peers, scripts).map { ($0.path, $1) })
        #expect(outcomes.map { $0.failure?.code } == [.timedOut, .timedOut, .timedOut, nil])
        #expect(outcomes[0].failure?.reason.contains("need more time") == true)
        #expect(scripts.map(\.replies.count) == [1, 1, 1, 3])
        // Three times as much passed meanwhile.
        let nanoseconds = outcomes.map(\.nanoseconds)
        #expect(nanoseconds[..<3].allSatisfy { (1_100_000_000..<2_200_000_000).contains($0) }, "\(nanoseconds)")
        #expect(nanoseconds[3] < 1_000_000_000, "\(nanoseconds)")
    }

    @Test func aPeerThatDiesIsGone() throws {
        #expect(try outcome([]) == .disconnected)
        #expect(try outcome([.send(FakePeer.greeting), .receive]) == .disconnected)
    }

    @Test func aFullBacklogIsTriedAgain() throws {
        let peer = try FakePeer(
            directory.file("s"), backlog: 0, [.send(FakePeer.greeting), .receive, Self.reply, .waitForEnd])
        // One at a time is taken: the others wait until it has gone.
        let scripts = (0..<5).map { _ in Script() }
        let outcomes = try TelemetrySweep(timeout: .seconds(60)).run(scripts.map { (peer.path, $0) })
        #expect(outcomes.allSatisfy { $0.failure == nil })
        #expect(scripts.allSatisfy { $0.replies == [.integer(7)] })
    }

    @Test func noSocketIsNoConnection() throws {
        let long = directory.file(String(repeating: "a", count: 200))
        let outcomes = try TelemetrySweep().run([(directory.file("none"), Script()), (long, Script())])
        #expect(outcomes.map { $0.failure?.code } == [.notFound, .tooLong])
        #expect(outcomes.allSatisfy { $0.peer == nil })
    }
}
