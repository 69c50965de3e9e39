internal import CDMADev
public import DMADev
internal import LinuxSystem

/// The application's side of a descriptor ring, for engines in this or another process.
public final class ApplicationRing: @unchecked Sendable {
    // Each member's memory has one writer, see cdmadev.h: the thread that uses the channel behind `producer`.
    /// Enqueue, doorbell, poll; for one thread at a time, which must hold a reference to the ring.
    public let producer: RingProducer
    /// The memory of both sides.
    public let memory: RingMemory

    /// The engine's side, if the engine is in this process.
    let engineRing: EngineRing?
    private let state: UnsafeMutablePointer<dmadev_producer_state>
    private let operations: UnsafeMutablePointer<UnsafeMutablePointer<dmadev_op>?>?
    /// Keeps the bell and the liveness word allocated.
    private let owner: (any Sendable)?

    /// The application's side of a ring whose engine is in another process.
    ///
    /// - Parameters:
    ///   - memory: new and zeroed.
    ///   - mode: silent, enqueue/dequeue.
    ///   - bell: wakes the engine.
    ///   - liveness: a word that is 0 when the engine has ended, or this process must not use the ring.
    ///   - owner: retained as long as the ring exists.
    public convenience init(
        memory: RingMemory, mode: ConfigurationFlags, bell: EngineBell, liveness: UnsafeMutablePointer<UInt64>? = nil,
        owner: (any Sendable)? = nil
    ) {
        self.init(memory, mode, hasPool: false, bell, liveness, engineRing: nil, owner)
    }

    /// Both sides of a ring whose engine is in this process; the ring is attached.
    ///
    /// - Returns: `nil` when memory is exhausted.
    public convenience init?(
        layout: RingLayout, mode: ConfigurationFlags, engine: Engine, _ configuration: EngineRing.Configuration
    ) {
        guard let memory = RingMemory(layout: layout) else { return nil }
        let engineRing = EngineRing(configuration, memory: memory, engine: engine)
        self.init(
            memory, mode, hasPool: configuration.giveBack != nil, engine.bell, nil, engineRing: engineRing, nil)
    }

    private init(
        _ memory: RingMemory, _ mode: ConfigurationFlags, hasPool: Bool, _ bell: EngineBell,
        _ liveness: UnsafeMutablePointer<UInt64>?, engineRing: EngineRing?, _ owner: (any Sendable)?
    ) {
        self.memory = memory
        self.engineRing = engineRing
        self.owner = owner
        state = .allocateOnOwnCacheLines(capacity: 1)
        state.initialize(to: dmadev_producer_state())
        if mode.contains(.enqueueDequeue) {
            let room = UnsafeMutablePointer<UnsafeMutablePointer<dmadev_op>?>.allocate(
                capacity: memory.layout.slotCount)
            room.initialize(repeating: nil, count: memory.layout.slotCount)
            operations = room
        } else {
            operations = nil
        }
        producer = RingProducer(
            memory: memory, state: state, bell: bell, liveness: liveness, isSilent: mode.contains(.silent),
            hasPool: hasPool, operations: operations)
    }

    deinit {
        producer.deallocate()
        state.deallocate()
        operations?.deallocate()
    }

    // A reader may hold the last reference to a ring that was just stopped: its memory must stay mapped until the read
    // ends.

    /// The state of the channel; any thread may read it.
    public var status: VirtualChannelStatus {
        withExtendedLifetime(self) {
            guard producer.isAlive else { return .haltedError }
            let tail = memory.producerPage.member(\.tail).loadAcquiring()
            return memory.consumerPage.member(\.completed).loadAcquiring() == tail ? .idle : .active
        }
    }

    /// The same with times; any thread may read it.
    public var progress: ChannelProgress {
        withExtendedLifetime(self) {
            var progress = memory.progress
            if !producer.isAlive { progress.status = .haltedError }
            return progress
        }
    }

    /// The number of operations in each state; any thread may read it.
    public var use: RingUse {
        withExtendedLifetime(self) { producer.use }
    }

    /// Three of the counters; any thread may read them.
    var statistics: Statistics {
        withExtendedLifetime(self) { Statistics(reading: memory.engineCounters, memory.applicationCounters) }
    }

    /// The counters of the ring; any thread may read them.
    public var counters: ChannelCounters {
        withExtendedLifetime(self) { memory.counters }
    }
}
