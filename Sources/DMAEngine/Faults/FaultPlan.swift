public import DMADev
public import SystemPackage

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

        var number: UInt64 {
            switch self {
            case .number(let number), .every(let number), .from(let number): number
            }
        }
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

    /// A step of an attachment of the device to an exporter's buffer.
    public enum ImportStep: String, Sendable, Hashable, CaseIterable {
        /// The decision about one interconnect.
        case match
        /// The mapping of the buffer for the device.
        case map
        /// Its end by unmap or detach.
        case unmap
        /// Its end by a revocation.
        case revoke
    }

    /// Steps of attachments that fail with a chosen errno, before they change anything. The calls of each step are
    /// counted from 1 over the life of the device.
    public struct ImportFailure: Sendable, Equatable {
        /// The step.
        public var step: ImportStep
        /// The calls that fail.
        public var calls: Operations
        /// What they fail with: one of ``FaultPlan/importErrors``.
        public var errno: Errno

        /// Checked by `validate()`.
        public init(_ step: ImportStep, _ calls: Operations, _ errno: Errno) {
            self.step = step
            self.calls = calls
            self.errno = errno
        }
    }

    /// The errors of failing steps, by name.
    public static let importErrors: [(name: String, errno: Errno)] = [
        ("EIO", .ioError), ("ENOMEM", .noMemory), ("EACCES", .permissionDenied), ("EBUSY", .resourceBusy),
        ("EINVAL", .invalidArgument), ("ENOSPC", .noSpace), ("EOPNOTSUPP", .notSupported), ("ETIMEDOUT", .timedOut),
    ]

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
    /// Steps of attachments that fail; precedence as with `failures`. They fail in the application's process.
    public var importFailures: [ImportFailure]

    /// Checked by `validate()`.
    public init(
        failures: [Failure] = [], delay: Duration = .zero, freeze: Outage? = nil, halt: Outage? = nil,
        importFailures: [ImportFailure] = []
    ) {
        self.importFailures = importFailures
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
            try Self.check(failure.operations.number > 0, "failure of operation 0: operations are counted from 1")
            try Self.check(
                Self.failingStatuses.contains { $0.status == failure.status },
                "failure with \(failure.status): allowed are \(Self.failingStatuses.map(\.name).joined(separator: ", "))"
            )
        }
        try Self.check(
            importFailures.count <= Self.mostFailures,
            "\(importFailures.count) failures of attachments: the maximum is \(Self.mostFailures)")
        for failure in importFailures {
            try Self.check(
                failure.calls.number > 0, "\(failure.step.rawValue) failure of call 0: calls are counted from 1")
            try Self.check(
                Self.importErrors.contains { $0.errno == failure.errno },
                "\(failure.step.rawValue) failure with \(failure.errno): allowed are "
                    + Self.importErrors.map(\.name).joined(separator: ", "))
        }
        try Self.check(freeze?.number != 0, "freeze at operation 0: operations are counted from 1")
        try Self.check(halt?.number != 0, "halt at operation 0: operations are counted from 1")
        try Self.check(
            delay >= .zero && delay <= Self.longestDelay, "a delay of \(delay): 0 to 3600 seconds are allowed")
    }

    /// The planned error of a call; `nil`: none.
    func importFailure(in step: ImportStep, number: UInt64) -> Errno? {
        let failures = importFailures.lazy.filter { $0.step == step }
        let match =
            failures.first { $0.calls == .number(number) }
            ?? failures.first { if case .every(let n) = $0.calls { number % n == 0 } else { false } }
            ?? failures.first { if case .from(let n) = $0.calls { number >= n } else { false } }
        return match?.errno
    }

    private static func check(_ isFine: Bool, _ message: String) throws(DMAError) {
        guard isFine else { throw DMAError(.invalidArgument, .invalidArgument, message) }
    }
}
