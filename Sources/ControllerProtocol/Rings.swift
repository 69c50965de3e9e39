/// Requests the memory for the ring of a virtual channel; ``StartRing`` starts it.
///
/// The memory of the previous ring of the channel is freed: nobody may read its counters any more.
public struct AttachRing: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.attachRing

    /// The virtual channel; each has one ring at a time.
    public var vchan: UInt16
    /// The highest number of operations in the ring at a time.
    public var descriptorCount: UInt16
    /// The highest number of entries of a scatter-gather list.
    public var maximumEntryCount: UInt16
    /// The device's number in the application, for traces; not checked.
    public var device: Int16
    /// The device's priority among those of its tenant; 0 is served first.
    public var priority: UInt16
    /// The handlers of the members whose memory the addresses refer to, unless an operation sets others; 0: local.
    public var sourceHandler, destinationHandler: UInt16
    /// The offset of the ring's memory in the connection's region, a multiple of the page size; 0 without a region. The
    /// memory of both sides is there, zeroed by the application.
    public var offset: UInt64
    /// Faults that the engine injects; `nil`: none.
    public var faults: Faults?

    /// Makes a request for a ring.
    public init(
        vchan: UInt16, descriptorCount: UInt16, maximumEntryCount: UInt16, device: Int16 = 0, priority: UInt16 = 0,
        sourceHandler: UInt16 = 0, destinationHandler: UInt16 = 0, offset: UInt64 = 0, faults: Faults? = nil
    ) {
        self.offset = offset
        self.device = device
        self.priority = priority
        self.faults = faults
        self.sourceHandler = sourceHandler
        self.destinationHandler = destinationHandler
        self.vchan = vchan
        self.descriptorCount = descriptorCount
        self.maximumEntryCount = maximumEntryCount
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(vchan)
        writer.put(descriptorCount)
        writer.put(maximumEntryCount)
        writer.put(UInt16(faults == nil ? 0 : 1))
        writer.put(sourceHandler)
        writer.put(destinationHandler)
        writer.put(device)
        writer.put(priority)
        writer.put(offset)
        faults?.write(to: &writer)
    }

    /// Decodes and validates the members; throws for a value that the protocol does not define.
    public init(from reader: inout WireReader) throws(WireError) {
        vchan = try reader.number()
        descriptorCount = try reader.number()
        maximumEntryCount = try reader.number()
        let faultCount: UInt16 = try reader.number()
        guard faultCount <= 1 else { throw WireError("\(faultCount) fault plans: a ring has at most 1") }
        sourceHandler = try reader.number()
        destinationHandler = try reader.number()
        device = try reader.number()
        priority = try reader.number()
        offset = try reader.number()
        faults = faultCount == 0 ? nil : try Faults(from: &reader)
    }
}

extension AttachRing {
    /// A fault plan for one ring. Operations are counted from 1 over all starts of the channel.
    public struct Faults: Sendable, Equatable {
        /// Operations that end with a given status.
        public struct Failure: Sendable, Equatable {
            /// 0: the operation with the number; 1: those whose numbers are multiples of it; 2: it and all later ones.
            public var selection: UInt8
            /// The number of the operation, from 1.
            public var number: UInt64
            /// The status code of these operations.
            public var status: UInt16

            /// Makes a rule for failing operations.
            public init(selection: UInt8, number: UInt64, status: UInt16) {
                self.selection = selection
                self.number = number
                self.status = status
            }
        }

        /// The highest number of failures in a message.
        public static let maximumFailureCount = 128

        /// The number of operations of the channel before this ring.
        public var before: UInt64
        /// Whether the device is halted from the start.
        public var isHalted: Bool
        /// The time from the doorbell until a completion becomes visible, in nanoseconds.
        public var delay: UInt64
        /// The operations at which the ring freezes and at which the device halts; 0: none.
        public var freeze, halt: UInt64
        /// The failing operations; at most ``maximumFailureCount`` rules.
        public var failures: [Failure]

        /// Makes a fault plan.
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
            guard state <= 1 else {
                throw WireError("device state \(state): only 0 (running) and 1 (halted) are defined")
            }
            isHalted = state == 1
            delay = try reader.number()
            freeze = try reader.number()
            halt = try reader.number()
            let count = Int(try reader.number(UInt16.self))
            guard count <= Self.maximumFailureCount else {
                throw WireError("\(count) failures: a fault plan has at most \(Self.maximumFailureCount)")
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

/// The answer to ``AttachRing``. It carries two file descriptors: the memory that the application writes, and the
/// memory that the engine writes and the application can only read. With a region it carries none.
public struct RingAttached: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.ringAttached

    /// The virtual channel of the ring.
    public var vchan: UInt16
    /// The ring's number in the events of the controller's engine, for traces.
    public var ring: UInt64

    /// Makes an answer for the attached ring.
    public init(vchan: UInt16, ring: UInt64) {
        self.vchan = vchan
        self.ring = ring
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(vchan)
        writer.put(ring)
    }

    /// Decodes the members; throws when the message is too short.
    public init(from reader: inout WireReader) throws(WireError) {
        vchan = try reader.number()
        ring = try reader.number()
    }
}

/// Starts a ring: the engine serves it after the answer ``Done``.
///
/// The application must have read all pages of the file that it can only read. So they are allocated for the
/// application, not for the controller, which could not free them while the application has the file.
public struct StartRing: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.startRing

    /// The virtual channel of the ring.
    public var vchan: UInt16

    /// Makes a request to start the ring of ``AttachRing``.
    public init(vchan: UInt16) {
        self.vchan = vchan
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(vchan)
    }

    /// Decodes the members; throws when the message is too short.
    public init(from reader: inout WireReader) throws(WireError) {
        vchan = try reader.number()
    }
}

/// Detaches all rings from the engine: running operations finish, queued ones are aborted. Answered with ``Done`` after
/// that.
public struct StopRings: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.stopRings

    /// Makes a request; there is nothing to set.
    public init() {}

    /// Encodes nothing: the message has no members.
    public func write(to writer: inout WireWriter) {}

    /// Decodes nothing: the message has no members.
    public init(from reader: inout WireReader) throws(WireError) {}
}
