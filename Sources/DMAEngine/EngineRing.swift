internal import CDMADev
internal import CDMATrace
internal import DMADev
internal import LinuxSystem

/// The engine's side of a descriptor ring, attached to an engine when it is made.
///
/// The application's side may be in another process. ``retire()`` detaches the ring; the object may then be dropped.
public final class EngineRing: @unchecked Sendable {
    // The consumer is for the engine's thread while the ring is attached, and for the one that detached it after.
    let consumer: UnsafeMutablePointer<RingConsumer>
    /// Among the rings of the engine; the lowest value goes first.
    let priority: UInt16

    private let memory: RingMemory
    private let engine: Engine
    private let owner: RingConsumer.Owner
    /// Kept alive: the consumer holds them without counting.
    private let spaces: [AddressSpace]
    private let domains: DomainMap?

    /// What a ring is served with.
    public struct Configuration: Sendable {
        /// Among the rings of the engine; the lowest value goes first.
        public var priority: UInt16 = 0
        /// Where source and destination addresses lie.
        public var source = AddressSpace.process
        /// Where source and destination addresses lie.
        public var destination = AddressSpace.process
        /// What operations reach in other domains, and the handlers of those that name none themselves; 0: local.
        public var domains: (map: DomainMap, source: UInt16, destination: UInt16)?
        /// Gets the source addresses of auto-free operations when they have ended; called on the engine's thread.
        public var giveBack: (@Sendable (UInt64) -> Void)?
        /// Faults to make on purpose.
        public var faults: RingFaults?
        /// Whose ring it is, for traces.
        public var device: Int16 = 0
        /// Whose ring it is, for traces.
        public var vchan: UInt16 = 0

        /// A plain ring.
        public init() {}
    }

    /// Attaches a ring to an engine.
    ///
    /// - Parameter memory: zeroed.
    public init(_ configuration: Configuration, memory: RingMemory, engine: Engine) {
        self.memory = memory
        self.engine = engine
        priority = configuration.priority
        spaces = [configuration.source, configuration.destination]
        domains = configuration.domains?.map
        owner = RingConsumer.Owner(engine: engine.id, device: configuration.device, vchan: configuration.vchan)
        // The application's side looks at it when it is made.
        memory.consumerPage.pointee.light_doorbell = AsymmetricFence.isOffered ? 1 : 0
        consumer = .allocateOnOwnCacheLines(capacity: 1)
        consumer.initialize(
            to: RingConsumer(
                memory: memory, owner: owner,
                spaces: AddressSpaces(
                    source: AddressTranslation(configuration.source),
                    destination: AddressTranslation(configuration.destination)),
                domains: configuration.domains.map { domains in
                    RingDomains(
                        map: .passUnretained(domains.map), source: domains.source, destination: domains.destination)
                }, giveBack: configuration.giveBack,
                faults: configuration.faults.map { FaultInjector($0, memory: memory) }))
        dmatrace_dmadev_engine_ring_attach(
            engine.id, configuration.device, configuration.vchan, UInt16(memory.layout.descriptorCount))
        engine.attach(self)
    }

    deinit {
        consumer.pointee.deallocate()
        consumer.deinitialize(count: 1)
        consumer.deallocate()
    }

    /// Takes the ring off its engine: the running operation finishes, queued ones end aborted, and what was not rung
    /// never happens. Call it once.
    public func retire() {
        detach()
        while finishPart() {}
        abortRest()
    }

    /// First of the three steps of ``retire()``, for who has other things to do between them: when this returns, the
    /// engine touches none of the ring's memory, nor of what its operations name.
    public func detach() {
        engine.detach(self)
    }

    /// Second step, to be repeated: moves the next part, of at most 256 KiB, of the operation that was running.
    ///
    /// - Returns: whether something of it is left. Who leaves it out aborts that operation too.
    public func finishPart() -> Bool {
        // The ring is detached: this thread is now the consumer.
        consumer.pointee.finishPart()
    }

    /// Third step: what was rung and is not finished ends aborted.
    public func abortRest() {
        let aborted = consumer.pointee.abortAll()
        dmatrace_dmadev_engine_ring_detach(owner.engine, owner.device, owner.vchan, aborted)
    }
}
