public import DMADev
internal import SystemPackage

/// Faults that an engine makes on purpose, so that software meets every status, and devices that are slow, hang, or halt,
/// on a machine whose hardware is whole. An empty plan makes none.
///
/// All rules of a channel hold, faults or none: order, ring indexes, fences, batches, capacity, counters, events. An
/// operation that the plan lets fail is not executed: neither its source is read nor its destination written; with
/// auto-free its source buffer is given back.
///
/// Operations are numbered by channel: each channel of the device counts its own, the first is 1, and the numbers go on
/// over stops and starts. An operation has its number once its doorbell has rung: what was enqueued and never rung has
/// none. So as long as the device has not been restarted, operation `n` has the ring index `n - 1`.
public struct FaultPlan: Sendable, Equatable {
    /// Operations that end with a chosen status.
    public struct Failure: Sendable, Equatable {
        /// Which ones.
        public var operations: Operations
        /// How they end: any status of `CompletionStatus.table` but `successful`.
        public var status: CompletionStatus

        /// A failure.
        public init(_ operations: Operations, _ status: CompletionStatus) {
            self.operations = operations
            self.status = status
        }
    }

    /// A choice among a channel's operations; numbers begin at 1.
    public enum Operations: Sendable, Hashable {
        /// The one with this number.
        case number(UInt64)
        /// Those whose numbers are multiples of this.
        case every(UInt64)
        /// The one with this number and all after it.
        case from(UInt64)
    }

    /// The end of all work, from an operation on.
    public struct Outage: Sendable, Equatable {
        /// Number of the first operation that it meets.
        public var number: UInt64
        /// Whether it is there again after each restart; else the first stop after it began has healed it for good.
        public var isSticky: Bool

        /// An outage.
        public init(from number: UInt64, isSticky: Bool = false) {
            self.number = number
            self.isSticky = isSticky
        }
    }

    /// Operations that fail. Where several fit, a number counts before `every`, that before `from`, and among equals the
    /// first.
    public var failures: [Failure]
    /// The time from the end of an operation to its visible completion; of every channel. Operations are executed and
    /// counted at once, their completions show late.
    public var delay: Duration
    /// From this operation on, its channel completes nothing: it stays active and its ring fills up, until the device is
    /// stopped, which aborts what was rung. Other channels go on.
    public var freeze: Outage?
    /// When everything before this operation on its channel is visible, the whole device is halted: its status is
    /// `haltedError`, what is under way on any channel gets nowhere, and every data call fails with `EIO`; but polls hand
    /// out first what was finished before. Stop aborts what was rung.
    public var halt: Outage?

    /// A plan.
    public init(failures: [Failure] = [], delay: Duration = .zero, freeze: Outage? = nil, halt: Outage? = nil) {
        self.failures = failures
        self.delay = delay
        self.freeze = freeze
        self.halt = halt
    }

    /// The delay in nanoseconds.
    public var delayNanoseconds: UInt64 {
        let (seconds, attoseconds) = delay.components
        return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds) / 1_000_000_000
    }

    /// Statuses that an operation can be made to fail with.
    static let failingStatuses = CompletionStatus.table.filter { $0.status != .successful }

    /// The longest delay: an hour.
    static let longestDelay = Duration.seconds(3600)

    /// An operation is looked up among so many failures at most: that bounds what a plan costs an engine.
    static let mostFailures = 4096

    /// - Throws: `EINVAL` for a plan that cannot be.
    public func validate() throws(DMAError) {
        try Self.check(
            failures.count <= Self.mostFailures, "\(failures.count) failures: a plan has \(Self.mostFailures) at most")
        for failure in failures {
            let number =
                switch failure.operations {
                case .number(let number), .every(let number), .from(let number): number
                }
            try Self.check(number > 0, "failure of operation 0: operations are counted from 1")
            try Self.check(
                Self.failingStatuses.contains { $0.status == failure.status },
                "failure with \(failure.status): possible are \(Self.failingStatuses.map(\.name).joined(separator: ", "))"
            )
        }
        try Self.check(freeze?.number != 0, "freeze at operation 0: operations are counted from 1")
        try Self.check(halt?.number != 0, "halt at operation 0: operations are counted from 1")
        try Self.check(
            delay >= .zero && delay <= Self.longestDelay, "a delay of \(delay): 0 to 3600 seconds are possible")
    }

    private static func check(_ isFine: Bool, _ message: String) throws(DMAError) {
        guard isFine else { throw DMAError(.invalidArgument, .invalidArgument, message) }
    }
}
