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
    package let engineRing: EngineRing?
    private let state: UnsafeMutablePointer<dmadev_producer_state>
    private let operations: UnsafeMutablePointer<UnsafeMutablePointer<dmadev_op>?>?
    /// Keeps the bell and the liveness word allocated.
    private let owner: (any Sendable)?
    private let announcement: Announcement?

    /// Requests that the engine of another process announces once when the ring has so many finished operations, or is
    /// halted. Not for the data path; it may wait for the other process.
    ///
    /// - Parameters:
    ///   - target: the number of finished operations.
    ///   - wake: called then, and when the other process has ended; it may be called more often. Replaces that of an
    ///     earlier call.
    /// - Returns: `false` when the other process has ended: nothing will be announced.
    /// - Throws: the reason for which the other process refuses.
    public typealias Announcement =
        @Sendable (
            _ target: UInt64, _ wake: @escaping @Sendable () -> Void
        ) throws(DMAError) -> Bool

    /// The application's side of a ring whose engine is in another process.
    ///
    /// - Parameters:
    ///   - memory: new and zeroed.
    ///   - mode: silent, enqueue/dequeue.
    ///   - bell: wakes the engine.
    ///   - liveness: a word that is 0 when the engine has ended, or this process must not use the ring.
    ///   - owner: retained as long as the ring exists.
    ///   - announcement: how the engine announces completions; `nil`: not at all.
    public convenience init(
        memory: RingMemory, mode: ConfigurationFlags, bell: EngineBell, liveness: UnsafeMutablePointer<UInt64>? = nil,
        owner: (any Sendable)? = nil, announcement: Announcement? = nil
    ) {
        self.init(memory, mode, hasPool: false, bell, liveness, engineRing: nil, owner, announcement)
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
            memory, mode, hasPool: configuration.giveBack != nil, engine.bell, nil, engineRing: engineRing, nil, nil)
    }

    private init(
        _ memory: RingMemory, _ mode: ConfigurationFlags, hasPool: Bool, _ bell: EngineBell,
        _ liveness: UnsafeMutablePointer<UInt64>?, engineRing: EngineRing?, _ owner: (any Sendable)?,
        _ announcement: Announcement?
    ) {
        self.memory = memory
        self.engineRing = engineRing
        self.owner = owner
        self.announcement = announcement
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

    /// Whether the engine can announce completions.
    var hasAnnouncements: Bool { engineRing != nil || announcement != nil }

    /// Makes the engine wake a thread when the ring has so many finished operations, or never will have.
    ///
    /// - Returns: `false` when nothing will be published any more.
    /// - Throws: what another process has refused.
    func announce(_ target: UInt64, to announced: ChangeCount) throws(DMAError) -> Bool {
        if let engineRing { return engineRing.engine.watch(engineRing, until: target, .thread(announced)) }
        return try announcement?(target) { announced.increment() } ?? false
    }

    /// Whether so many operations are finished, or never will be. Any thread.
    func hasPublished(_ target: UInt64) -> Bool {
        withExtendedLifetime(self) { memory.hasPublished(target) || !producer.isAlive }
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
