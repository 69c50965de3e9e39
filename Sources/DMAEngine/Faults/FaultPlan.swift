public import DMADev
internal import SystemPackage

/// Faults that an engine injects, so that software can be tested with every status, and with slow, hanging and halted
/// devices, without faulty hardware. An empty plan injects none.
///
/// All rules of a channel hold with faults too: order, ring indexes, fences, batches, capacity, counters, events. An
/// operation that fails by plan is not executed: its source is not read and its destination not written; with auto-free
/// its source buffer is returned to the pool.
///
/// Operations are numbered per channel, from 1, and the numbers continue over stops and starts. Only operations whose
/// doorbell was rung have a number. So before the first restart, operation `n` has the ring index `n - 1`.
public struct FaultPlan: Sendable, Equatable {
    /// Operations that end with a chosen status.
    public struct Failure: Sendable, Equatable {
        /// The operations that fail.
        public var operations: Operations
        /// Their status: any of `CompletionStatus.table` except `successful`.
        public var status: CompletionStatus

        /// Checked by `validate()`.
        public init(_ operations: Operations, _ status: CompletionStatus) {
            self.operations = operations
            self.status = status
        }
    }

    /// A selection of a channel's operations; numbers start at 1.
    public enum Operations: Sendable, Hashable {
        /// The one with this number.
        case number(UInt64)
        /// Those whose numbers are multiples of this.
        case every(UInt64)
        /// The one with this number and all after it.
        case from(UInt64)
    }

    /// A stop of all progress, from one operation on.
    public struct Outage: Sendable, Equatable {
        /// Number of the first affected operation.
        public var number: UInt64
        /// Whether it continues after each restart; otherwise the first stop after its start ends it.
        public var isSticky: Bool

        /// Checked by `validate()`.
        public init(from number: UInt64, isSticky: Bool = false) {
            self.number = number
            self.isSticky = isSticky
        }
    }

    /// Operations that fail. If several match, `number` takes precedence over `every`, and `every` over `from`; among
    /// equals the first.
    public var failures: [Failure]
    /// The time from the end of an operation to its visible completion, for every channel. Operations are executed and
    /// counted at once; their completions become visible later.
    public var delay: Duration
    /// From this operation on, its channel completes nothing: it stays active and its ring fills up, until the device
    /// is stopped, which aborts rung operations. Other channels continue.
    public var freeze: Outage?
    /// When all operations before this one on its channel are visible, the whole device is halted: its status is
    /// `haltedError`, running operations of all channels make no progress, and every data call fails with `EIO`, except
    /// that polls first return earlier completions. Stop aborts rung operations.
    public var halt: Outage?

    /// Checked by `validate()`.
    public init(failures: [Failure] = [], delay: Duration = .zero, freeze: Outage? = nil, halt: Outage? = nil) {
        self.failures = failures
        self.delay = delay
        self.freeze = freeze
        self.halt = halt
    }

    /// The delay in nanoseconds.
    public var delayNanoseconds: UInt64 { delay.inNanoseconds }

    /// The statuses allowed for a failure.
    static let failingStatuses = CompletionStatus.table.filter { $0.status != .successful }

    /// The maximum delay: one hour.
    static let longestDelay = Duration.seconds(3600)

    /// The maximum number of failures; it bounds the engine's cost per operation.
    static let mostFailures = 4096

    /// - Throws: `EINVAL` for an invalid plan.
    public func validate() throws(DMAError) {
        try Self.check(
            failures.count <= Self.mostFailures, "\(failures.count) failures: the maximum is \(Self.mostFailures)")
        for failure in failures {
            let number =
                switch failure.operations {
                case .number(let number), .every(let number), .from(let number): number
                }
            try Self.check(number > 0, "failure of operation 0: operations are counted from 1")
            try Self.check(
                Self.failingStatuses.contains { $0.status == failure.status },
                "failure with \(failure.status): allowed are \(Self.failingStatuses.map(\.name).joined(separator: ", "))"
            )
        }
        try Self.check(freeze?.number != 0, "freeze at operation 0: operations are counted from 1")
        try Self.check(halt?.number != 0, "halt at operation 0: operations are counted from 1")
        try Self.check(
            delay >= .zero && delay <= Self.longestDelay, "a delay of \(delay): 0 to 3600 seconds are allowed")
    }

    private static func check(_ isFine: Bool, _ message: String) throws(DMAError) {
        guard isFine else { throw DMAError(.invalidArgument, .invalidArgument, message) }
    }
}
