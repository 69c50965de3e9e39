internal import CDMADev
internal import CDMATrace
internal import LinuxSystem

/// One descriptor ring between an application and an engine: its memory and its two sides.
///
/// Attached when made. ``retire()`` takes it off the engine; the object may then be dropped at any time.
public final class DescriptorRing: @unchecked Sendable {
    // Each member's memory has one writer, as cdmadev.h says: the application's thread behind `producer`, the engine's
    // behind `consumer`; control calls come one at a time.
    /// The application's side; for one thread at a time.
    public let producer: UnsafeMutablePointer<RingProducer>
    /// The engine's side.
    let consumer: UnsafeMutablePointer<RingConsumer>

    private let memory: RingMemory
    private let state: UnsafeMutablePointer<dmadev_producer_state>
    private let counters: RingCounters
    private let engine: Engine
    private let owner: RingConsumer.Owner

    /// Makes a ring and attaches it to an engine.
    ///
    /// - Parameters:
    ///   - counters: they go on from where they stand and are kept alive by the ring.
    ///   - device: and `vchan`: whose ring it is, for traces.
    /// - Returns: `nil` when there is no memory for it.
    public init?(
        layout: RingLayout, counters: RingCounters, engine: Engine, isSilent: Bool, device: Int16, vchan: UInt16
    ) {
        guard let memory = RingMemory(layout: layout) else { return nil }
        self.memory = memory
        self.counters = counters
        self.engine = engine
        owner = RingConsumer.Owner(engine: engine.id, device: device, vchan: vchan)
        state = .allocate(capacity: 1)
        state.initialize(to: dmadev_producer_state())
        producer = .allocate(capacity: 1)
        producer.initialize(
            to: RingProducer(
                memory: memory, state: state, counters: counters.application, bell: engine.bell, isSilent: isSilent))
        consumer = .allocate(capacity: 1)
        consumer.initialize(to: RingConsumer(memory: memory, counters: counters.engine, owner: owner))
        dmatrace_dmadev_engine_ring_attach(engine.id, device, vchan, UInt16(layout.descriptorCount))
        engine.attach(self)
    }

    deinit {
        producer.deallocate()
        consumer.deallocate()
        state.deallocate()
    }

    /// Takes the ring off its engine: the running operation finishes, queued ones end aborted, and what was not rung
    /// never happens. Call it once.
    public func retire() {
        engine.detach(self)
        // The engine has let go: this thread is now the consumer.
        if consumer.pointee.isInMidOperation { consumer.pointee.finishRunning() }
        let aborted = consumer.pointee.abortAll()
        dmatrace_dmadev_engine_ring_detach(owner.engine, owner.device, owner.vchan, aborted)
    }

    /// Whether everything that was rung is visible to the application's poll.
    public var isIdle: Bool {
        let tail = memory.producerPage.pointer(to: \.tail)!.loadAcquiring()
        return memory.consumerPage.pointer(to: \.completed)!.loadAcquiring() == tail
    }
}

/// The counters of one vchan since its device was made, in memory that outlives its rings.
public final class RingCounters: @unchecked Sendable {
    // One word, one writer; readers load each word whole.
    private let memory: UnsafeMutablePointer<dmadev_counters>

    /// Counters at zero.
    public init() {
        let raw = UnsafeMutableRawPointer.allocate(byteCount: MemoryLayout<dmadev_counters>.stride, alignment: 64)
        memory = raw.bindMemory(to: dmadev_counters.self, capacity: 1)
        memory.initialize(to: dmadev_counters())
    }

    deinit {
        memory.deallocate()
    }

    var engine: UnsafeMutablePointer<dmadev_engine_counters> { memory.pointer(to: \.engine)! }
    var application: UnsafeMutablePointer<dmadev_application_counters> { memory.pointer(to: \.application)! }

    /// The counters now. `completed` is read before `submitted`, so that it is never the larger one.
    public func read() -> RingCounts {
        let completed = engine.pointer(to: \.completed)!.loadAcquiring()
        let errors = engine.pointer(to: \.errors)!.loadRelaxed()
        return RingCounts(
            submitted: application.pointer(to: \.submitted)!.loadAcquiring(), completed: completed, errors: errors)
    }
}

/// A reading of ``RingCounters``.
public struct RingCounts: Sendable, Equatable {
    /// Operations rung.
    public var submitted: UInt64
    /// Operations finished, failures included.
    public var completed: UInt64
    /// Operations that failed; not those aborted or not attempted.
    public var errors: UInt64

    /// A reading.
    public init(submitted: UInt64, completed: UInt64, errors: UInt64) {
        self.submitted = submitted
        self.completed = completed
        self.errors = errors
    }
}
