internal import CDMADev
internal import DMADev
internal import DMAEngine
internal import LinuxSystem

/// A channel from a start to its stop: a ring, its two sides, and what the inner device had told before.
final class FaultChannel: @unchecked Sendable {
    // Each member's memory has one writer, as cdmadev.h says: the application's thread behind `producer`, the fault
    // engine's behind `consumer`.
    /// The application's side: that of every ring.
    let producer: RingProducer
    /// The engine's side.
    let consumer: UnsafeMutablePointer<FaultConsumer>

    private let memory: RingMemory
    private let counters: RingCounters
    private let state: UnsafeMutablePointer<dmadev_producer_state>
    private let operations: UnsafeMutablePointer<UnsafeMutablePointer<dmadev_op>?>?

    /// What a channel is made with.
    struct Configuration {
        let vchan: UInt16
        let channel: VirtualChannelConfiguration
        let maximumEntryCount: UInt16
        let mode: ConfigurationFlags
        let plan: FaultPlan
        let inner: dmadev_data_path
    }

    /// - Returns: `nil` when there is no memory for the ring.
    init?(_ configuration: Configuration, counters: RingCounters, engine: FaultEngine) {
        let layout = RingLayout(
            descriptorCount: Int(configuration.channel.descriptorCount),
            maximumEntries: Int(configuration.maximumEntryCount))
        guard let memory = RingMemory(layout: layout) else { return nil }
        self.memory = memory
        self.counters = counters
        let pool = configuration.channel.autoFreePool
        var giveBack: (@Sendable (UInt64) -> Void)?
        if let pool { giveBack = { pool.giveBack($0) } }
        state = .allocateOnOwnCacheLines(capacity: 1)
        state.initialize(to: dmadev_producer_state())
        if configuration.mode.contains(.enqueueDequeue) {
            let room = UnsafeMutablePointer<UnsafeMutablePointer<dmadev_op>?>.allocate(capacity: layout.slotCount)
            room.initialize(repeating: nil, count: layout.slotCount)
            operations = room
        } else {
            operations = nil
        }
        consumer = .allocateOnOwnCacheLines(capacity: 1)
        consumer.initialize(
            to: FaultConsumer(
                memory: memory, counters: counters, plan: configuration.plan, inner: configuration.inner,
                vchan: configuration.vchan, giveBack: giveBack,
                halted: engine.halted))
        producer = RingProducer(
            memory: memory, state: state, counters: counters.application, bell: engine.bell,
            isSilent: configuration.mode.contains(.silent), hasPool: pool != nil, operations: operations)
    }

    deinit {
        consumer.pointee.deallocate()
        consumer.deinitialize(count: 1)
        consumer.deallocate()
        producer.deallocate()
        state.deallocate()
        operations?.deallocate()
    }

    /// Whether everything that was rung is visible to the application's poll.
    var isIdle: Bool {
        let tail = memory.producerPage.pointer(to: \.tail)!.loadAcquiring()
        return memory.consumerPage.pointer(to: \.completed)!.loadAcquiring() == tail
    }
}
