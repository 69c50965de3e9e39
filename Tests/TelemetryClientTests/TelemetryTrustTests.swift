import Glibc
import LinuxSystem
import SystemPackage
import TelemetryClient
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

/// Whose servers are read.
@Suite struct TelemetryTrustTests {
    private let directory: TemporaryDirectory
    private static let user = OtherUsersServer.user

    init() throws { directory = try TemporaryDirectory() }

    /// What keeps a client from a server.
    private func failure(_ body: () throws(TelemetryClientError) -> TelemetryClient) -> TelemetryClientError? {
        do throws(TelemetryClientError) {
            _ = try body()
            return nil
        } catch {
            return error
        }
    }

    @Test func theSuperuserAndThisUserAreAlwaysTrusted() {
        let other = geteuid() + Self.user
        #expect(TelemetryTrust().includes(0) && TelemetryTrust().includes(geteuid()))
        #expect(!TelemetryTrust().includes(other))
        let trust = TelemetryTrust(users: [other])
        #expect(trust.includes(0) && trust.includes(geteuid()) && trust.includes(other) && !trust.includes(other + 1))
        #expect(TelemetryTrust.everyone.includes(other))
    }

    @Test(.enabled(if: geteuid() == 0, "\(OtherUsersServer.needsSuperuser)"))
    func aServerOfAnotherUserIsReadOnlyIfTheUserIsTrusted() throws {
        let server = try OtherUsersServer(in: directory)
        for trust in [TelemetryTrust(users: [Self.user]), .everyone] {
            let client = try TelemetryClient(path: server.path, trust: trust)
            #expect(client.peer.uid == Self.user)
            #expect(try client.request("/constant").tree == .integer(1))
            let found = try TelemetryClient(filePrefix: "other", in: server.runDirectory, trust: trust)
            #expect(found.path == server.path)
        }
        for trust in [TelemetryTrust(), TelemetryTrust(users: [Self.user + 1])] {
            let errors = [
                failure { () throws(TelemetryClientError) in try TelemetryClient(path: server.path, trust: trust) },
                failure { () throws(TelemetryClientError) in
                    try TelemetryClient(filePrefix: "other", in: server.runDirectory, trust: trust)
                },
            ]
            for error in errors {
                #expect(error?.code == .untrusted && error?.user == Self.user)
                #expect(error?.reason.contains("\(Self.user)") == true, "\(String(describing: error))")
            }
        }
    }

    /// A prefix is searched for, a path was chosen.
    @Test(.enabled(if: geteuid() == 0, "only the superuser can give a directory away"))
    func theDirectoryOfAPrefixIsCheckedBeforeConnecting() throws {
        directory.makeRunDirectory("app")
        let path = directory.runDirectory.socketPath(filePrefix: "app")
        let listener = try SequencedPacketSocket.open(nonblocking: true)
        try SequencedPacketSocket.bind(listener, to: path, mode: [.ownerReadWrite])
        try SequencedPacketSocket.listen(listener)
        chown(directory.runDirectory.directory(filePrefix: "app"), Self.user, Self.user)
        let error = failure { () throws(TelemetryClientError) in
            try TelemetryClient(filePrefix: "app", in: directory.runDirectory)
        }
        #expect(error?.code == .untrusted && error?.user == Self.user)
        let connection = Result { () throws(Errno) in
            _ = try SequencedPacketSocket.accept(listener, nonblocking: true)
        }
        #expect(throws: Errno.resourceTemporarilyUnavailable) { try connection.get() }
        let named = failure { () throws(TelemetryClientError) in
            try TelemetryClient(path: path, timeout: .milliseconds(1))
        }
        #expect(named?.code == .timedOut)
    }

    /// Keeps what it was given.
    private final class Conversation: TelemetryConversation {
        var isGreeted = false
        var replies: [JSONTree] = []
        private var requests = ["/constant"]

        func begin(_ greeting: TelemetryGreeting, peer: PeerCredentials) { isGreeted = true }
        func nextRequest() -> String? { requests.popLast() }
        func take(_ reply: JSONTree, to request: String) { replies.append(reply) }
    }

    @Test(.enabled(if: geteuid() == 0, "\(OtherUsersServer.needsSuperuser)"))
    func aSweepReadsNothingOfAnUntrustedServer() throws {
        let server = try OtherUsersServer(in: directory)
        let own = try FakePeer(
            directory.file("own"), [.send(FakePeer.greeting), .receive, .send(#"{"/constant":2}"#), .waitForEnd])
        let conversations = [Conversation(), Conversation()]
        var sweep = TelemetrySweep(timeout: .seconds(60))
        let outcomes = try sweep.run([(server.path, conversations[0]), (own.path, conversations[1])])
        #expect(outcomes[0].failure?.code == .untrusted && outcomes[0].failure?.user == Self.user)
        #expect(outcomes[0].peer?.uid == Self.user)
        #expect(!conversations[0].isGreeted && conversations[0].replies.isEmpty)
        #expect(outcomes[1].failure == nil && conversations[1].replies == [.integer(2)])

        sweep.trust = TelemetryTrust(users: [Self.user])
        let trusted = Conversation()
        #expect(try sweep.run([(server.path, trusted)])[0].failure == nil)
        #expect(trusted.replies == [.integer(1)])
    }
}
