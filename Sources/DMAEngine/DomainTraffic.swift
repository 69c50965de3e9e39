internal import LinuxSystem

/// The traffic of devices to and from the windows of one member.
public struct DomainTraffic: Sendable, Equatable {
    /// Successful operations that read from the windows.
    public var readOperations: UInt64
    /// Bytes read by these operations.
    public var readBytes: UInt64
    /// Successful operations that wrote to the windows.
    public var writtenOperations: UInt64
    /// Bytes written by these operations.
    public var writtenBytes: UInt64

    /// All 0 by default.
    public init(
        readOperations: UInt64 = 0, readBytes: UInt64 = 0, writtenOperations: UInt64 = 0, writtenBytes: UInt64 = 0
    ) {
        self.readOperations = readOperations
        self.readBytes = readBytes
        self.writtenOperations = writtenOperations
        self.writtenBytes = writtenBytes
    }

    /// The sums.
    public static func + (one: DomainTraffic, other: DomainTraffic) -> DomainTraffic {
        DomainTraffic(
            readOperations: one.readOperations &+ other.readOperations, readBytes: one.readBytes &+ other.readBytes,
            writtenOperations: one.writtenOperations &+ other.writtenOperations,
            writtenBytes: one.writtenBytes &+ other.writtenBytes)
    }
}

/// The traffic of all devices of one engine with the windows of one member. The engine's thread updates it once per run of
/// operations, with relaxed stores of whole words; any thread may read it.
public final class TrafficCounter: @unchecked Sendable {
    // Constant; the engine's thread is the only writer of the four words behind it, and readers load each atomically.
    let words: UnsafeMutablePointer<UInt64>

    /// Starts at 0.
    public init() {
        words = .allocateOnOwnCacheLines(capacity: 4)
        words.initialize(repeating: 0, count: 4)
    }

    deinit {
        words.deallocate()
    }

    /// The traffic so far.
    public var reading: DomainTraffic {
        DomainTraffic(
            readOperations: words.loadRelaxed(), readBytes: (words + 1).loadRelaxed(),
            writtenOperations: (words + 2).loadRelaxed(), writtenBytes: (words + 3).loadRelaxed())
    }

    static func recordRead(_ words: UnsafeMutablePointer<UInt64>, _ operationCount: UInt64, _ byteCount: UInt64) {
        words.add(operationCount)
        (words + 1).add(byteCount)
    }

    static func recordWritten(_ words: UnsafeMutablePointer<UInt64>, _ operationCount: UInt64, _ byteCount: UInt64) {
        (words + 2).add(operationCount)
        (words + 3).add(byteCount)
    }
}
