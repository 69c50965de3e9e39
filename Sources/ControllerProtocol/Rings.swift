/// Asks for the ring of a virtual channel. The engine serves it from the answer on.
public struct AttachRing: WireMessage {
    /// What the header says.
    public static let kind = MessageKind.attachRing

    /// The channel; each has one ring at a time.
    public var vchan: UInt16
    /// Most operations in the ring at a time.
    public var descriptorCount: UInt16
    /// Most entries of a scatter-gather list.
    public var maximumEntryCount: UInt16
    /// Whose memory addresses lie in where an operation says nothing else; 0: local.
    public var sourceHandler, destinationHandler: UInt16
    /// Faults that the engine makes on purpose; `nil`: none.
    public var faults: Faults?

    /// A ring.
    public init(
        vchan: UInt16, descriptorCount: UInt16, maximumEntryCount: UInt16, sourceHandler: UInt16 = 0,
        destinationHandler: UInt16 = 0, faults: Faults? = nil
    ) {
        self.faults = faults
        self.sourceHandler = sourceHandler
        self.destinationHandler = destinationHandler
        self.vchan = vchan
        self.descriptorCount = descriptorCount
        self.maximumEntryCount = maximumEntryCount
    }

    /// Writes the members.
    public func write(to writer: inout WireWriter) {
        writer.put(vchan)
        writer.put(descriptorCount)
        writer.put(maximumEntryCount)
        writer.put(UInt16(faults == nil ? 0 : 1))
        writer.put(sourceHandler)
        writer.put(destinationHandler)
        faults?.write(to: &writer)
    }

    /// Reads the members.
    public init(from reader: inout WireReader) throws(WireError) {
        vchan = try reader.number()
        descriptorCount = try reader.number()
        maximumEntryCount = try reader.number()
        let faultCount: UInt16 = try reader.number()
        guard faultCount <= 1 else { throw WireError("\(faultCount) plans of faults; a ring has one at most") }
        sourceHandler = try reader.number()
        destinationHandler = try reader.number()
        faults = faultCount == 0 ? nil : try Faults(from: &reader)
    }
}

extension AttachRing {
    /// A plan of faults for one ring. Operations are counted from 1 over all starts of the channel.
    public struct Faults: Sendable, Equatable {
        /// Operations that end with a chosen status.
        public struct Failure: Sendable, Equatable {
            /// 0: the operation with the number; 1: those whose numbers are multiples of it; 2: it and all after it.
            public var selection: UInt8
            /// The number, from 1.
            public var number: UInt64
            /// The code of the status.
            public var status: UInt16

            /// A failure.
            public init(selection: UInt8, number: UInt64, status: UInt16) {
                self.selection = selection
                self.number = number
                self.status = status
            }
        }

        /// The most failures that a message holds.
        public static let maximumFailureCount = 128

        /// Operations of the channel before this ring.
        public var before: UInt64
        /// Whether the device is halted from the beginning.
        public var isHalted: Bool
        /// How long after its doorbell a completion is not visible, in nanoseconds.
        public var delay: UInt64
        /// The operation with which the ring freezes, or halts the device; 0: none.
        public var freeze, halt: UInt64
        /// What fails.
        public var failures: [Failure]

        /// A plan.
        public init(
            before: UInt64, isHalted: Bool, delay: UInt64, freeze: UInt64, halt: UInt64, failures: [Failure]
        ) {
            self.before = before
            self.isHalted = isHalted
            self.delay = delay
            self.freeze = freeze
            self.halt = halt
            self.failures = failures
        }

        fileprivate func write(to writer: inout WireWriter) {
            writer.put(before)
            writer.put(UInt8(isHalted ? 1 : 0))
            writer.put(delay)
            writer.put(freeze)
            writer.put(halt)
            writer.put(UInt16(failures.count))
            for failure in failures {
                writer.put(failure.selection)
                writer.put(failure.number)
                writer.put(failure.status)
            }
        }

        fileprivate init(from reader: inout WireReader) throws(WireError) {
            before = try reader.number()
            let state: UInt8 = try reader.number()
            guard state <= 1 else { throw WireError("a device's state \(state); 1 is halted, 0 is not") }
            isHalted = state == 1
            delay = try reader.number()
            freeze = try reader.number()
            halt = try reader.number()
            let count = Int(try reader.number(UInt16.self))
            guard count <= Self.maximumFailureCount else {
                throw WireError("\(count) failures of a ring; a plan has at most \(Self.maximumFailureCount)")
            }
            failures = []
            for _ in 0..<count {
                failures.append(
                    Failure(
                        selection: try reader.number(), number: try reader.number(), status: try reader.number()))
            }
        }
    }
}

/// The answer to ``AttachRing``. It brings two descriptors: the memory that the application writes, and the memory that
/// the engine writes and the application can only read.
public struct RingAttached: WireMessage {
    /// What the header says.
    public static let kind = MessageKind.ringAttached

    /// The channel.
    public var vchan: UInt16

    /// The answer.
    public init(vchan: UInt16) {
        self.vchan = vchan
    }

    /// Writes the members.
    public func write(to writer: inout WireWriter) {
        writer.put(vchan)
    }

    /// Reads the members.
    public init(from reader: inout WireReader) throws(WireError) {
        vchan = try reader.number()
    }
}

/// Takes all rings off the engine: running operations finish, queued ones are aborted. Answered with ``Done`` when that
/// has happened.
public struct StopRings: WireMessage {
    /// What the header says.
    public static let kind = MessageKind.stopRings

    /// The request.
    public init() {}

    /// There are no members.
    public func write(to writer: inout WireWriter) {}

    /// There are no members.
    public init(from reader: inout WireReader) throws(WireError) {}
}
