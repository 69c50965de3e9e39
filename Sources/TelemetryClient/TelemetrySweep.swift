public import LinuxSystem
import SystemPackage
public import TelemetryWire

/// Queries many telemetry servers at once from one thread.
///
/// Each server has the same time for its whole conversation, counted from its start: the time to wait for its messages and
/// to handle them. The time for the messages of others does not count, and a server that has sent little goes before one
/// that has sent much. A server that does not answer, sends too much or invalid data, or exits loses its own answers and
/// never another's. Nothing is kept between two sweeps.
public struct TelemetrySweep: Sendable {
    /// The time limit for the whole conversation with one server.
    public var timeout: Duration
    /// The users whose servers are read. The directories of the sockets are not checked.
    public var trust = TelemetryTrust()
    /// Connects the sockets; `nil`: this process does.
    public var connector: SourceConnector?
    /// The maximum number of simultaneous conversations; the others wait.
    public var maximumConnections = 512
    /// The maximum length of a reply, in bytes. The greeting of a server may set a lower one.
    public var maximumReplyLength = 1 << 20
    /// The maximum number of bytes from one server in a sweep.
    public var maximumLength = 16 << 20
    /// The maximum number of bytes from all servers in a sweep. Beyond it, a server that has sent less than an equal share
    /// goes on until it has sent as much.
    public var maximumTotalLength = 64 << 20

    /// A sweep whose conversations take at most `timeout` each.
    public init(timeout: Duration = .seconds(1)) {
        self.timeout = timeout
    }

    /// The result of a conversation.
    public struct Outcome: Sendable {
        /// Why it ended early; `nil` if every request was answered.
        public let failure: TelemetryClientError?
        /// The duration, without the wait before its start and without the time for messages of other servers.
        public let nanoseconds: UInt64
        /// The server's process, user and group, from the kernel; `nil` if there was no connection.
        public let peer: PeerCredentials?

        /// The outcome of a conversation; without further values, of one that was refused before it started.
        package init(failure: TelemetryClientError?, nanoseconds: UInt64 = 0, peer: PeerCredentials? = nil) {
            self.failure = failure
            self.nanoseconds = nanoseconds
            self.peer = peer
        }
    }

    /// Holds each conversation with the server on its path, and returns when all have ended or failed. Conversations
    /// are called only during this call, on this thread.
    ///
    /// - Returns: the outcomes, in the order of `conversations`.
    /// - Throws: if the system cannot create a poller.
    public func run(
        _ conversations: [(path: String, conversation: any TelemetryConversation)]
    ) throws(TelemetryClientError) -> [Outcome] {
        do throws(Errno) {
            var loop = try SweepLoop(self, conversations)
            return try loop.run()
        } catch {
            throw .system(error, "cannot wait for telemetry servers")
        }
    }
}

/// The requests to one server in a sweep, and the handling of their replies.
public protocol TelemetryConversation: AnyObject {
    /// Called once, when the server's greeting has arrived.
    func begin(_ greeting: TelemetryGreeting, peer: PeerCredentials)

    /// The next request, `command[,parameters]`; `nil`: none before the next reply, or none at all if all replies were taken.
    ///
    /// Called again before the reply: several requests go to the server at once, which answers them one after the other.
    func nextRequest() -> String?

    /// Handles the value of a reply, which may be null. Replies come in the order of their requests.
    ///
    /// - Throws: to end the conversation with an error.
    func take(_ reply: JSONTree, to request: String) throws(TelemetryClientError)
}
