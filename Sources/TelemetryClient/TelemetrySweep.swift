public import LinuxSystem
import SystemPackage
public import TelemetryWire

/// Asks many telemetry servers at once, from one thread.
///
/// Each server has the same time for the whole conversation, from the moment it is its turn: one that never answers,
/// floods, sends junk or dies costs its own answer, and never another's. Nothing is kept between two sweeps.
public struct TelemetrySweep: Sendable {
    /// How long one server may take for all that it is asked.
    public var timeout: Duration
    /// How many servers are talked to at the same time; the others wait for their turn.
    public var maximumConnections = 512
    /// The longest reply that is taken, in bytes.
    public var maximumReplyLength = 1 << 20
    /// The most bytes that one server may send in a sweep.
    public var maximumLength = 4 << 20

    /// A sweep.
    public init(timeout: Duration = .seconds(1)) {
        self.timeout = timeout
    }

    /// How a conversation went.
    public struct Outcome: Sendable {
        /// Why it ended early; `nil` when all was asked and answered.
        public let failure: TelemetryClientError?
        /// How long it took, the wait for a turn not counted.
        public let nanoseconds: UInt64
        /// Who listens, by the kernel's word; `nil` when there was no connection.
        public let peer: PeerCredentials?
    }

    /// Asks the server behind each path what its conversation wants to know, and returns when all have answered or
    /// failed. A conversation may be called until then, by this thread alone.
    ///
    /// - Returns: the outcomes, in the order of `conversations`.
    /// - Throws: when the system has no poller left.
    public func run(
        _ conversations: [(path: String, conversation: any TelemetryConversation)]
    ) throws(TelemetryClientError) -> [Outcome] {
        do throws(Errno) {
            var loop = try SweepLoop(self, conversations.map { SweepSession($0.path, $0.conversation, self) })
            return try loop.run()
        } catch {
            throw .system(error, "cannot wait for telemetry servers")
        }
    }
}

/// What one server is asked in a sweep, and what becomes of its answers.
public protocol TelemetryConversation: AnyObject {
    /// The server has greeted.
    func begin(_ greeting: TelemetryGreeting, peer: PeerCredentials)

    /// The next request, `command[,parameters]`; `nil` when there is nothing more to ask.
    func nextRequest() -> String?

    /// Takes the value of a reply; null is an answer, too.
    ///
    /// - Throws: when the server is not to be asked any further.
    func take(_ reply: JSONTree, to request: String) throws(TelemetryClientError)
}
