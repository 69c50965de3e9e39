internal import CDMADev
internal import CDMATrace
internal import LinuxSystem

/// One descriptor ring between an application and an engine: its memory and its two sides.
///
/// Attached when made. ``retire()`` takes it off the engine; the object may then be dropped at any time.
public final class DescriptorRing: @unchecked Sendable {
    // Each member's memory has one writer, as cdmadev.h says: the application's thread behind `producer`, the engine's
    // behind `consumer`; control calls come one at a time.
    /// The application's side; for one thread at a time, which keeps the ring while it uses it.
    public let producer: RingProducer
    /// The engine's side.
    let consumer: UnsafeMutablePointer<RingConsumer>

    /// What its engine serves first; higher before lower.
    let priority: UInt16

    private let memory: RingMemory
    private let state: UnsafeMutablePointer<dmadev_producer_state>
    private let operations: UnsafeMutablePointer<UnsafeMutablePointer<dmadev_op>?>?
    private let counters: RingCounters
    private let engine: Engine
    private let owner: RingConsumer.Owner
    /// Kept alive: the consumer holds them without counting.
    private let spaces: [AddressSpace]
    private let domains: DomainMap?

    /// What a ring is made with.
    public struct Configuration: Sendable {
        /// Sizes.
        public var layout: RingLayout
        /// Completions are not polled.
        public var isSilent = false
        /// Operations are enqueued and dequeued as structures.
        public var usesOperations = false
        /// Among the rings of the engine; higher goes first.
        public var priority: UInt16 = 0
        /// Where source and destination addresses lie.
        public var source = AddressSpace.process
        /// Where source and destination addresses lie.
        public var destination = AddressSpace.process
        /// What operations reach in other domains, and the handlers of those that name none themselves; 0: local.
        public var domains: (map: DomainMap, source: UInt16, destination: UInt16)?
        /// Gets the source addresses of auto-free operations when they have ended; called on the engine's thread.
        public var giveBack: (@Sendable (UInt64) -> Void)?
        /// Whose ring it is, for traces.
        public var device: Int16 = 0
        /// Whose ring it is, for traces.
        public var vchan: UInt16 = 0

        /// A plain ring.
        public init(layout: RingLayout) {
            self.layout = layout
        }
    }

    /// Makes a ring and attaches it to an engine.
    ///
    /// - Parameter counters: they go on from where they stand and are kept alive by the ring.
    /// - Returns: `nil` when there is no memory for it.
    public convenience init?(_ configuration: Configuration, counters: RingCounters, engine: Engine) {
        guard let memory = RingMemory(layout: configuration.layout) else { return nil }
        self.init(configuration, memory: memory, counters: counters, engine: engine)
    }

    /// Makes a ring of memory that there is, and attaches it to an engine.
    ///
    /// - Parameters:
    ///   - memory: zeroed, of the configuration's layout. Another process may have the application's side: then
    ///     ``producer`` is not used.
    ///   - counters: they go on from where they stand and are kept alive by the ring.
    public init(_ configuration: Configuration, memory: RingMemory, counters: RingCounters, engine: Engine) {
        self.memory = memory
        self.counters = counters
        self.engine = engine
        priority = configuration.priority
        spaces = [configuration.source, configuration.destination]
        domains = configuration.domains?.map
        owner = RingConsumer.Owner(engine: engine.id, device: configuration.device, vchan: configuration.vchan)
        if configuration.usesOperations {
            let slots = configuration.layout.slotCount
            let room = UnsafeMutablePointer<UnsafeMutablePointer<dmadev_op>?>.allocate(capacity: slots)
            room.initialize(repeating: nil, count: slots)
            operations = room
        } else {
            operations = nil
        }
        state = .allocateOnOwnCacheLines(capacity: 1)
        state.initialize(to: dmadev_producer_state())
        // The application's side looks at it when it is made.
        memory.consumerPage.pointee.light_doorbell = AsymmetricFence.isOffered ? 1 : 0
        producer = RingProducer(
            memory: memory, state: state, counters: counters.application, bell: engine.bell,
            isSilent: configuration.isSilent, hasPool: configuration.giveBack != nil, operations: operations)
        consumer = .allocateOnOwnCacheLines(capacity: 1)
        consumer.initialize(
            to: RingConsumer(
                memory: memory, counters: counters.engine, owner: owner,
                spaces: AddressSpaces(
                    source: AddressTranslation(configuration.source),
                    destination: AddressTranslation(configuration.destination)),
                domains: configuration.domains.map { domains in
                    RingDomains(
                        map: .passUnretained(domains.map), source: domains.source, destination: domains.destination)
                }, giveBack: configuration.giveBack))
        dmatrace_dmadev_engine_ring_attach(
            engine.id, configuration.device, configuration.vchan, UInt16(configuration.layout.descriptorCount))
        engine.attach(self)
    }

    deinit {
        consumer.pointee.deallocate()
        consumer.deinitialize(count: 1)
        consumer.deallocate()
        producer.deallocate()
        state.deallocate()
        operations?.deallocate()
    }

    /// Takes the ring off its engine: the running operation finishes, queued ones end aborted, and what was not rung
    /// never happens. Call it once.
    public func retire() {
        letGo()
        while finishPart() {}
        abortRest()
    }

    /// First of the three steps of ``retire()``, for who has other things to do between them: when this returns, the
    /// engine touches none of the ring's memory, nor of what its operations name.
    public func letGo() {
        engine.detach(self)
    }

    /// Second step, to be repeated: moves the next part, of at most 256 KiB, of the operation that was running.
    ///
    /// - Returns: whether something of it is left. Who leaves it out aborts that operation too.
    public func finishPart() -> Bool {
        // The engine has let go: this thread is now the consumer.
        consumer.pointee.finishPart()
    }

    /// Third step: what was rung and is not finished ends aborted.
    public func abortRest() {
        let aborted = consumer.pointee.abortAll()
        dmatrace_dmadev_engine_ring_detach(owner.engine, owner.device, owner.vchan, aborted)
    }

    // A reader may be the last to hold a ring that was just stopped: its memory must stay until the reading is done.
    /// Whether everything that was rung is visible to the application's poll.
    public var isIdle: Bool {
        withExtendedLifetime(self) {
            let tail = memory.producerPage.pointer(to: \.tail)!.loadAcquiring()
            return memory.consumerPage.pointer(to: \.completed)!.loadAcquiring() == tail
        }
    }

    /// How many operations are in each state; any thread may ask.
    public var occupancy: RingOccupancy {
        withExtendedLifetime(self) { producer.occupancy }
    }
}
