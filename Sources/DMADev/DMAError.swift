public import SystemPackage

/// The error of a control call: a code for programs, the errno of the C call, and a sentence for people.
public struct DMAError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure. Later versions may add codes.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The code as text.
        public let rawValue: String

        /// Accepts any text.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// The device does not exist or was closed.
        public static let noDevice = Code(rawValue: "noDevice")
        /// An argument is invalid.
        public static let invalidArgument = Code(rawValue: "invalidArgument")
        /// The device must be stopped first.
        public static let started = Code(rawValue: "started")
        /// The device must be configured, or its channels set up, first.
        public static let notConfigured = Code(rawValue: "notConfigured")
        /// The device does not support the call.
        public static let notSupported = Code(rawValue: "notSupported")
        /// It exists already, for example a name.
        public static let exists = Code(rawValue: "exists")
        /// The named object does not exist.
        public static let notFound = Code(rawValue: "notFound")
        /// Access denied: wrong token or no such group; the error does not reveal which.
        public static let accessDenied = Code(rawValue: "accessDenied")
        /// The caller lacks the role for this call, for example only the creator destroys a group.
        public static let notPermitted = Code(rawValue: "notPermitted")
        /// The object is in use.
        public static let busy = Code(rawValue: "busy")
        /// A table is full, or memory is exhausted.
        public static let exhausted = Code(rawValue: "exhausted")
        /// A wait has ended at its timeout.
        public static let timedOut = Code(rawValue: "timedOut")
        /// The owner has taken back what the call needs.
        public static let revoked = Code(rawValue: "revoked")
        /// A system call that the device needs failed.
        public static let system = Code(rawValue: "system")
    }

    /// The kind of failure.
    public let code: Code
    /// What the C call returns, negated.
    public let errno: Errno
    /// A sentence: what was wrong, and what is allowed.
    public let message: String

    /// The message does not contain the errno.
    public init(_ code: Code, _ errno: Errno, _ message: String) {
        self.code = code
        self.errno = errno
        self.message = message
    }

    /// The sentence and the errno.
    public var description: String { "\(message) (\(errno))" }
}

/// The error of a data call. It contains no text, so that a failure is cheap: a full ring is a normal event.
public struct OperationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Reasons; derived from the errno, the arguments and the state of the device.
    public enum Reason: UInt8, Sendable, Hashable, CaseIterable {
        /// Any other error; see the errno.
        case other
        /// Every descriptor is in use: poll completions, then try again.
        case ringFull
        /// The device is not started.
        case notStarted
        /// The device was closed.
        case closed
        /// The device is halted: its engine or its controller has ended.
        case halted
        /// The channel number is not configured.
        case noSuchChannel
        /// The device lacks the capability for this operation.
        case notSupported
        /// The call belongs to the other mode: enqueue/dequeue mode has only operation structures, other modes have none.
        case wrongMode
        /// A poll in silent mode.
        case silentMode
        /// A length of 0.
        case zeroLength
        /// A flag that the device does not support.
        case flag
        /// A handler for the source of a fill, which has none.
        case fillSource
        /// The auto-free flag on a channel without a pool.
        case noPool
        /// A list with more entries than the device supports.
        case tooManyEntries
        /// Lists with different total lengths, or a missing list.
        case unequalLists
        /// A range that is empty or not inside of its buffer.
        case outOfBounds
        /// A buffer that the device, which has no SVA, has not mapped.
        case notMapped

        /// What was wrong, and what is allowed.
        public var message: String {
            switch self {
            case .other: "the call failed"
            case .ringFull: "the ring is full: poll completions before enqueuing more"
            case .notStarted: "the device is not started"
            case .closed: "the device was closed"
            case .halted: "the device is halted: its engine or its controller has ended; close it and make a new one"
            case .noSuchChannel: "the device has no such virtual channel"
            case .notSupported: "the device does not support this operation"
            case .wrongMode: "enqueue/dequeue mode has only enqueue_ops and dequeue_ops, the other mode has neither"
            case .silentMode: "a channel in silent mode is not polled"
            case .zeroLength: "the length is 0; an operation moves at least 1 byte"
            case .flag: "an operation flag is undefined, or needs a capability that the device lacks"
            case .fillSource: "a fill has no source memory, so it takes no source handler"
            case .noPool: "the auto-free flag needs a channel with a pool"
            case .tooManyEntries: "a scatter-gather list has more entries than the device supports"
            case .outOfBounds: "a range is empty, or not inside of its buffer"
            case .notMapped: "the device has not mapped the buffer: call map(_:) first"
            case .unequalLists: "source and destination lists have different total lengths, or one is missing"
            }
        }
    }

    /// The reason, as precise as the errno, the arguments and the state of the device allow.
    public let reason: Reason
    /// What the C call returns, negated.
    public let errno: Errno

    /// Both values are stored unchanged.
    public init(_ reason: Reason, _ errno: Errno) {
        self.reason = reason
        self.errno = errno
    }

    /// What was wrong, what is allowed, and the errno.
    public var description: String { "\(reason.message) (\(errno))" }
}
