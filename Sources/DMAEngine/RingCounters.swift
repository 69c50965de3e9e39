public import CDMADev
internal import LinuxSystem

/// The counters of one vchan since its device was made, in memory that outlives its rings.
public final class RingCounters: @unchecked Sendable {
    // One word, one writer; readers load each word whole.
    /// What the engine counts; its thread alone writes.
    public let engine: UnsafeMutablePointer<dmadev_engine_counters>
    /// What the application counts; its thread alone writes.
    public let application: UnsafeMutablePointer<dmadev_application_counters>

    private let memory: UnsafeMutablePointer<dmadev_counters>?
    /// Kept alive: the counters lie in it.
    private let ring: RingMemory?

    /// Counters at zero.
    public init() {
        let memory = UnsafeMutablePointer<dmadev_counters>.allocateOnOwnCacheLines(capacity: 1)
        memory.initialize(to: dmadev_counters())
        engine = memory.pointer(to: \.engine)!
        application = memory.pointer(to: \.application)!
        self.memory = memory
        ring = nil
    }

    /// The counters of one ring between two processes, in its memory. The engine's side writes what the application can
    /// read only; what the application writes is what it claims.
    public init(in ring: RingMemory) {
        engine = ring.engineCounters
        application = ring.applicationCounters
        memory = nil
        self.ring = ring
    }

    deinit {
        memory?.deallocate()
    }

    /// The main counters now. `completed` is read before `submitted`, so that it is never the larger one.
    public func read() -> RingCounts {
        let completed = engine.pointer(to: \.completed)!.loadAcquiring()
        let errors = engine.pointer(to: \.errors)!.loadRelaxed()
        return RingCounts(
            submitted: application.pointer(to: \.submitted)!.loadAcquiring(), completed: completed, errors: errors)
    }

    /// All counters now.
    public func readAll() -> RingDetails {
        let counts = read()
        let statuses = engine.pointer(to: \.statuses)!
        let kinds = engine.pointer(to: \.kinds)!
        let buckets = engine.pointer(to: \.latency_buckets)!
        return RingDetails(
            counts: counts,
            bytes: engine.pointer(to: \.bytes)!.loadRelaxed(),
            kinds: (0..<Int(DMADEV_KIND_COUNT)).map { kinds.word($0).loadRelaxed() },
            statuses: (0..<Int(DMADEV_STATUS_COUNT)).map { statuses.word($0).loadRelaxed() },
            rejected: application.pointer(to: \.rejected)!.loadRelaxed(),
            doorbells: application.pointer(to: \.doorbells)!.loadRelaxed(),
            highWater: application.pointer(to: \.high_water)!.loadRelaxed(),
            latencySum: engine.pointer(to: \.latency_sum)!.loadRelaxed(),
            latencyBuckets: (0..<LatencyHistogram.bucketCount).map { buckets.word($0).loadRelaxed() })
    }
}

/// A reading of the main counters of ``RingCounters``.
public struct RingCounts: Sendable, Equatable {
    /// Operations rung.
    public var submitted: UInt64
    /// Operations finished, failures included.
    public var completed: UInt64
    /// Operations that ended with another status than successful; not attempted and aborted ones too.
    public var errors: UInt64

    /// A reading.
    public init(submitted: UInt64, completed: UInt64, errors: UInt64) {
        self.submitted = submitted
        self.completed = completed
        self.errors = errors
    }
}

/// A reading of all of ``RingCounters``.
public struct RingDetails: Sendable, Equatable {
    /// The main counters.
    public var counts: RingCounts
    /// Bytes moved by successful operations.
    public var bytes: UInt64
    /// Operations finished by `DMADEV_KIND_*`; 0: descriptors that ask for nothing known.
    public var kinds: [UInt64]
    /// Operations finished by `DMADEV_STATUS_*`; successful ones are not kept, unknown ones stand last.
    public var statuses: [UInt64]
    /// Enqueues refused because the ring was full.
    public var rejected: UInt64
    /// Doorbells that made something visible.
    public var doorbells: UInt64
    /// Most slots in use at a doorbell.
    public var highWater: UInt64
    /// Nanoseconds from doorbell to completion, summed over all operations.
    public var latencySum: UInt64
    /// Operations by bucket of ``LatencyHistogram``.
    public var latencyBuckets: [UInt64]
}
