internal import LinuxSystem

/// What one device has moved from and to the windows of one member.
public struct DomainTraffic: Sendable, Equatable {
    /// Successful operations that read from the windows.
    public var readOperations: UInt64
    /// The bytes that these have read.
    public var readBytes: UInt64
    /// Successful operations that wrote to the windows.
    public var writtenOperations: UInt64
    /// The bytes that these have written.
    public var writtenBytes: UInt64

    /// Counts.
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

/// Where the engine counts that: once a run of operations, without anything atomic but plain stores of whole words.
final class TrafficCounter: @unchecked Sendable {
    // Constant; of the four words behind it the engine's thread is the one writer, and readers load each whole.
    let words: UnsafeMutablePointer<UInt64>

    init() {
        words = .allocateOnOwnCacheLines(capacity: 4)
        words.initialize(repeating: 0, count: 4)
    }

    deinit {
        words.deallocate()
    }

    var reading: DomainTraffic {
        DomainTraffic(
            readOperations: words.loadRelaxed(), readBytes: (words + 1).loadRelaxed(),
            writtenOperations: (words + 2).loadRelaxed(), writtenBytes: (words + 3).loadRelaxed())
    }

    static func noteRead(_ words: UnsafeMutablePointer<UInt64>, _ operationCount: UInt64, _ byteCount: UInt64) {
        words.add(operationCount)
        (words + 1).add(byteCount)
    }

    static func noteWritten(_ words: UnsafeMutablePointer<UInt64>, _ operationCount: UInt64, _ byteCount: UInt64) {
        (words + 2).add(operationCount)
        (words + 3).add(byteCount)
    }
}
