public import SystemPackage

/// Why a control call failed: a code to act on, the errno that the C call returns, and a sentence for people.
public struct DMAError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure; more may come.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The code's name.
        public let rawValue: String

        /// A code from its name.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// No such device, or no longer.
        public static let noDevice = Code(rawValue: "noDevice")
        /// An argument that no device takes.
        public static let invalidArgument = Code(rawValue: "invalidArgument")
        /// The device must be stopped first.
        public static let started = Code(rawValue: "started")
        /// The device must be configured, or its channels set up, first.
        public static let notConfigured = Code(rawValue: "notConfigured")
        /// The device does not offer it.
        public static let notSupported = Code(rawValue: "notSupported")
        /// A name is taken.
        public static let exists = Code(rawValue: "exists")
        /// Something named is not there.
        public static let notFound = Code(rawValue: "notFound")
        /// The caller may not: a wrong token or no such group, which are told apart to nobody.
        public static let accessDenied = Code(rawValue: "accessDenied")
        /// The caller is the wrong one for this call.
        public static let notPermitted = Code(rawValue: "notPermitted")
        /// It is in use.
        public static let busy = Code(rawValue: "busy")
        /// A table is full, or memory is.
        public static let exhausted = Code(rawValue: "exhausted")
        /// The system refused something that the device needs.
        public static let system = Code(rawValue: "system")
    }

    /// What kind of failure.
    public let code: Code
    /// What the C call returns, negated.
    public let errno: Errno
    /// What was wrong, and what is allowed.
    public let message: String

    /// An error.
    public init(_ code: Code, _ errno: Errno, _ message: String) {
        self.code = code
        self.errno = errno
        self.message = message
    }

    /// The sentence and the errno.
    public var description: String { "\(message) (\(errno))" }
}

/// Why a data call failed. It holds no text, so that failing costs next to nothing: a full ring is no accident.
public struct OperationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The reasons.
    public enum Reason: Sendable, Hashable {
        /// Every descriptor is in use: poll completions, then try again.
        case ringFull
        /// The device is not started.
        case notStarted
        /// The device has no such channel.
        case noSuchChannel
        /// The device does not offer this operation.
        case notSupported
        /// A length of 0.
        case zeroLength
        /// A flag that the device, or the channel, does not take.
        case flag
        /// A list with more entries than the device takes.
        case tooManyEntries
        /// Lists that do not hold equally many bytes.
        case unequalLists
        /// Something else, as the errno says.
        case other
    }

    /// Why.
    public let reason: Reason
    /// What the C call returns, negated.
    public let errno: Errno

    /// An error.
    public init(_ reason: Reason, _ errno: Errno) {
        self.reason = reason
        self.errno = errno
    }

    /// What was wrong, and what is allowed.
    public var description: String {
        let sentence =
            switch reason {
            case .ringFull: "the ring is full: poll completions before enqueuing more"
            case .notStarted: "the device is not started"
            case .noSuchChannel: "the device has no such virtual channel"
            case .notSupported: "the device does not offer this operation"
            case .zeroLength: "the length is 0; an operation moves at least 1 byte"
            case .flag: "an operation flag is undefined, or needs a capability or a pool that is not there"
            case .tooManyEntries: "a scatter-gather list has more entries than the device takes"
            case .unequalLists: "source and destination lists do not hold equally many bytes"
            case .other: "the call failed"
            }
        return "\(sentence) (\(errno))"
    }
}
