import Glibc
import LinuxSystem
import SystemPackage
import TelemetryClient
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

@Suite struct TelemetryClientTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.file("s") }

    init() throws { directory = try TemporaryDirectory() }

    private func failure(_ body: () throws(TelemetryClientError) -> Void) -> TelemetryClientError? {
        do throws(TelemetryClientError) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    /// What connecting to a peer with that script fails with.
    private func connectFailure(_ steps: [FakePeer.Step]?, timeout: Duration = .seconds(20)) throws
        -> TelemetryClientError?
    {
        let peer = try FakePeer(path, steps)
        return failure { () throws(TelemetryClientError) in
            _ = try TelemetryClient(path: peer.path, timeout: timeout)
        }
    }

    /// What a request to a peer that answers so fails with.
    private func requestFailure(_ reply: String) throws -> TelemetryClientError? {
        let peer = try FakePeer(path, [.send(FakePeer.greeting), .receive, .send(reply), .waitForEnd])
        let client = try TelemetryClient(path: peer.path, timeout: .seconds(20))
        return failure { () throws(TelemetryClientError) in _ = try client.request("/x").isNull }
    }

    @Test func theGreetingOfDPDKIsUnderstood() throws {
        let peer = try FakePeer(
            path, [.send(FakePeer.greeting), .receive, .send(#"{"/dmadev/list":[0,1]}"#), .waitForEnd])
        let client = try TelemetryClient(path: peer.path)
        #expect(client.greeting.version == "DPDK 26.11.0-rc0")
        #expect(client.greeting.pid == 4711)
        #expect(client.greeting.maximumOutputLength == 16384)
        #expect(client.peer.pid == getpid() && client.peer.uid == geteuid())
        #expect(try client.request("/dmadev/list").text == "[0,1]")
    }

    @Test func theWholeReplyIsTakenHoweverLongTheKeyIs() throws {
        // DPDK's limit is for the value; its reply is longer than max_output_len then.
        let value = String(repeating: "v", count: 16384)
        let peer = try FakePeer(
            path, [.send(FakePeer.greeting), .receive, .send("{\"/x\":\"\(value)\"}"), .waitForEnd])
        #expect(try TelemetryClient(path: peer.path).request("/x").string == value)
    }

    @Test func aReplyLongerThanAnnouncedIsAnErrorAndNotCut() throws {
        let greeting = #"{"version":"x","pid":1,"max_output_len":100}"#
        let reply = #"{"/x":""# + String(repeating: "v", count: 50_000) + #""}"#
        let peer = try FakePeer(path, [.send(greeting), .receive, .send(reply), .waitForEnd])
        let client = try TelemetryClient(path: peer.path)
        #expect(failure { () throws(TelemetryClientError) in _ = try client.request("/x").isNull }?.code == .tooLong)
    }

    @Test(arguments: [
        "", "hello", "{}", "[]", "null", #"{"version":"x"}"#, #"{"version":"x","pid":1,"max_output_len":0}"#,
        #"{"version":"x","pid":1,"max_output_len":-5}"#, #"{"version":"x","pid":1,"max_output_len":99999999999999}"#,
        #"{"version":1,"pid":1,"max_output_len":16384}"#, #"{"version":"x","pid":"1","max_output_len":16384}"#,
        "\u{0}\u{1}\u{2}",
    ])
    func whatDoesNotGreetIsNoTelemetryServer(_ greeting: String) throws {
        let code = try connectFailure([.send(greeting), .waitForEnd])?.code
        #expect(code == (greeting.isEmpty ? .disconnected : .notTelemetry))
    }

    @Test(arguments: ["{\"/a\"b\":null}", "{\"/x\n\":null}", "", "[1]", "{}", #"{"/x":1,"/y":2}"#, "{\"/x\":tru", "1"])
    func aReplyThatIsNoneIsInvalidJSON(_ reply: String) throws {
        #expect(try requestFailure(reply)?.code == (reply.isEmpty ? .disconnected : .invalidJSON))
    }

    @Test func theTextOfAReplyComesAlsoWhenItIsNotJSON() throws {
        let peer = try FakePeer(
            path,
            [.send(FakePeer.greeting), .receive, .send("{\"/a\"b\":null}"), .receive, .send(#"{"/x":1}"#), .waitForEnd])
        let client = try TelemetryClient(path: peer.path)
        #expect(try client.requestText("/a\"b") == "{\"/a\"b\":null}")
        #expect(try client.request("/x").integer == 1)
    }

    @Test func aServerThatIsNotThereIsNotFound() throws {
        #expect(failure { () throws(TelemetryClientError) in _ = try TelemetryClient(path: path) }?.code == .notFound)
        let dead = try SequencedPacketSocket.open()
        try SequencedPacketSocket.bind(dead, to: path, mode: [.ownerReadWrite])
        #expect(failure { () throws(TelemetryClientError) in _ = try TelemetryClient(path: path) }?.code == .refused)
        let long = "/" + String(repeating: "x", count: 200)
        #expect(failure { () throws(TelemetryClientError) in _ = try TelemetryClient(path: long) }?.code == .tooLong)
        #expect(
            failure { () throws(TelemetryClientError) in _ = try TelemetryClient(path: "a\0b") }?.code
                == .invalidArgument)
    }

    @Test func aPeerThatSaysNothingTimesOut() throws {
        // It never takes the client: the connection waits in the backlog, and no greeting comes.
        #expect(try connectFailure(nil, timeout: .milliseconds(30))?.code == .timedOut)
    }

    @Test func aPeerWithoutRoomTimesOut() throws {
        let peer = try FakePeer(path, backlog: 0, nil)
        var waiting: [RawClient] = []
        while let client = try? RawClient(peer.path), waiting.count < 100 { waiting.append(client) }
        let start = MonotonicTime.now
        let error = failure { () throws(TelemetryClientError) in
            _ = try TelemetryClient(path: peer.path, timeout: .milliseconds(30))
        }
        #expect(error?.code == .timedOut)
        #expect(MonotonicTime.now.nanoseconds(since: start) >= 30_000_000)
    }

    @Test func aReplyThatComesTooLateIsNotTakenForTheNextOne() throws {
        let peer = try FakePeer(
            path, [.send(FakePeer.greeting), .receive, .receive, .send(#"{"/late":1}"#), .waitForEnd])
        let client = try TelemetryClient(path: peer.path)
        let error = failure { () throws(TelemetryClientError) in
            _ = try client.request("/late", timeout: .milliseconds(30)).isNull
        }
        #expect(error?.code == .timedOut)
        #expect(
            failure { () throws(TelemetryClientError) in _ = try client.request("/next").isNull }?.code == .disconnected
        )
    }

    @Test func aPeerThatGoesIsDisconnected() throws {
        let peer = try FakePeer(path, [.send(FakePeer.greeting), .receive])
        let client = try TelemetryClient(path: peer.path)
        #expect(
            failure { () throws(TelemetryClientError) in _ = try client.request("/x").isNull }?.code == .disconnected)
        #expect(try connectFailureWithoutGreeting()?.code == .disconnected)
    }

    private func connectFailureWithoutGreeting() throws -> TelemetryClientError? {
        let peer = try FakePeer(directory.file("mute"), [])
        return failure { () throws(TelemetryClientError) in _ = try TelemetryClient(path: peer.path) }
    }

    @Test func aRequestThatCannotBeSentIsRefusedAndHarmsNothing() throws {
        let peer = try FakePeer(path, [.send(FakePeer.greeting), .receive, .send(#"{"/x":"a,b"}"#), .waitForEnd])
        let client = try TelemetryClient(path: peer.path)
        for text in ["", "a\0b"] {
            #expect(
                failure { () throws(TelemetryClientError) in _ = try client.request(text).isNull }?.code
                    == .invalidArgument)
        }
        let long = String(repeating: "x", count: 1024)
        #expect(failure { () throws(TelemetryClientError) in _ = try client.request(long).isNull }?.code == .tooLong)
        #expect(try client.request("/x", "a", "b").string == "a,b")
    }

    @Test(.enabled(if: geteuid() == 0, "needs a process without the superuser's rights"))
    func aSocketOfAnotherUserIsPermissionDenied() throws {
        let peer = try FakePeer(path, nil)
        chmod(directory.path, 0o711)
        chmod(peer.path, 0o600)
        let error = withFileRights(of: 12345) {
            failure { () throws(TelemetryClientError) in _ = try TelemetryClient(path: peer.path) }
        }
        #expect(error?.code == .permissionDenied && error?.user == 0)
    }

    @Test func aPathThatIsTooLongForASocketIsConnectedThroughItsDirectory() throws {
        let name = String(repeating: "d", count: 100)
        let long = directory.file("\(name)/\(name)")
        mkdir(directory.file(name), 0o700)
        mkdir(long, 0o700)
        // Only the server needs a short path.
        symlink(long, directory.file("short"))
        let peer = try FakePeer(
            directory.file("short/s"), [.send(FakePeer.greeting), .receive, .send(#"{"/x":7}"#), .waitForEnd])
        #expect(long.utf8.count > SequencedPacketSocket.maximumPathLength)
        do {
            let client = try TelemetryClient(path: long + "/s")
            #expect(client.path == long + "/s")
            #expect(try client.request("/x").tree == .integer(7))
        }
        #expect(TelemetryDiscovery.isLive(long + "/s") && !TelemetryDiscovery.isLive(long + "/t"))
        let missing = failure { () throws(TelemetryClientError) in _ = try TelemetryClient(path: long + "/t") }
        #expect(missing?.code == .notFound)
        let tooLong = failure { () throws(TelemetryClientError) in _ = try TelemetryClient(path: long + "/" + name) }
        #expect(tooLong?.code == .tooLong)
        _ = peer
    }
}
