internal import CDMADev
public import DMADev
internal import LinuxSystem

/// The application's side of a descriptor ring, wherever its memory lies and its engine runs.
public final class ApplicationRing: @unchecked Sendable {
    // Each member's memory has one writer, as cdmadev.h says: the thread that uses the channel behind `producer`.
    /// Enqueue, doorbell, poll; for one thread at a time, which keeps the ring while it uses it.
    public let producer: RingProducer
    /// The memory of both sides.
    public let memory: RingMemory

    /// The engine's side, where the engine is one of this process.
    let engineRing: EngineRing?
    private let state: UnsafeMutablePointer<dmadev_producer_state>
    private let operations: UnsafeMutablePointer<UnsafeMutablePointer<dmadev_op>?>?
    /// Kept alive: what the bell and the liveness word belong to.
    private let owner: (any Sendable)?

    /// The application's side of a ring whose engine is in another process.
    ///
    /// - Parameters:
    ///   - memory: fresh, zeroed.
    ///   - mode: silent, enqueue/dequeue.
    ///   - bell: what wakes the engine.
    ///   - liveness: a word that is 0 when the engine is gone, or this process may not use the ring.
    ///   - owner: kept alive as long as the ring.
    public convenience init(
        memory: RingMemory, mode: ConfigurationFlags, bell: EngineBell, liveness: UnsafeMutablePointer<UInt64>? = nil,
        owner: (any Sendable)? = nil
    ) {
        self.init(memory, mode, hasPool: false, bell, liveness, engineRing: nil, owner)
    }

    /// Both sides of a ring whose engine is one of this process; it is attached.
    ///
    /// - Returns: `nil` when there is no memory for it.
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

    // A reader may be the last to hold a ring that was just stopped: its memory must stay until the reading is done.

    /// What the channel is doing; any thread may ask.
    public var status: VirtualChannelStatus {
        withExtendedLifetime(self) {
            guard producer.isAlive else { return .haltedError }
            let tail = memory.producerPage.member(\.tail).loadAcquiring()
            return memory.consumerPage.member(\.completed).loadAcquiring() == tail ? .idle : .active
        }
    }

    /// How many operations are in each state; any thread may ask.
    public var use: RingUse {
        withExtendedLifetime(self) { producer.use }
    }

    /// What the ring has counted; any thread may ask.
    public var counters: ChannelCounters {
        withExtendedLifetime(self) { memory.counters }
    }
}
