internal import CDMADev
internal import CDMATrace
internal import DMADev
internal import Glibc
internal import LinuxSystem
internal import Synchronization

/// The engine's side of a descriptor ring, attached to an engine at creation.
///
/// The application's side may be in another process. ``retire()`` detaches the ring; the object may be released after
/// that.
public final class EngineRing: @unchecked Sendable {
    // The consumer is used by the engine's thread while the ring is attached, and then by the thread that detached it.
    let consumer: UnsafeMutablePointer<RingConsumer>
    /// The ring's place in the engine's turns; for the engine's thread.
    let node: EngineTurns.Place
    let key: EngineTurns.Key
    /// As the engine's thread has it.
    var served: ServedRing { ServedRing(node: node, consumer: consumer) }

    private let memory: RingMemory
    let engine: Engine
    private let owner: RingConsumer.Owner
    /// Kept alive here: the consumer uses them without reference counts.
    private let spaces: [AddressSpace]
    private let domains: DomainMap?
    private let buffers: DMABufferMap?

    /// The settings of a ring.
    public struct Configuration: Sendable {
        /// Priority among the rings of one tenant; the lowest value is served first.
        public var priority: UInt16 = 0
        /// Whether the priority also orders the rings of different tenants.
        public var hasGlobalPriority = false
        /// The address space of one side of the operations.
        public var source = AddressSpace.process
        /// The address space of one side of the operations.
        public var destination = AddressSpace.process
        /// The reachable windows of other domains, and the default handlers for operations without their own; 0: local.
        public var domains: (map: DomainMap, source: UInt16, destination: UInt16)?
        /// Receives the source addresses of finished auto-free operations; called on the engine's thread.
        public var giveBack: (@Sendable (UInt64) -> Void)?
        /// The dma-bufs to synchronize with; `nil`: the ring's operations access none.
        public var buffers: DMABufferMap?
        /// Whether its operations can access ``SynchronizedMemory``; only with ``domains``.
        public var hasSynchronizedMemory = false
        /// Faults to inject; `nil`: none.
        public var faults: RingFaults?
        /// Device and channel for traces, as the application numbers them.
        public var device: Int16 = 0
        /// Device and channel for traces, as the application numbers them.
        public var vchan: UInt16 = 0
        /// Who uses the ring; `nil`: this process.
        public var peer: Peer?
        /// The ring's number in traces, from ``EngineRing/newNumber()``; `nil`: a new one.
        public var number: UInt64?

        /// The defaults: SVA on both sides, no domains, no faults.
        public init() {}
    }

    /// The other process that uses a ring.
    public struct Peer: Sendable {
        let processID: Int32
        let connection: UInt64
        let tenant: UInt64

        /// - Parameters:
        ///   - processID: the process, for traces.
        ///   - connection: the number of its connection; never reused.
        ///   - tenant: the connections with the same number share the turns of one tenant.
        public init(processID: Int32, connection: UInt64, tenant: UInt64) {
            self.processID = processID
            self.connection = connection
            self.tenant = tenant
        }
    }

    /// Attaches a ring to an engine.
    ///
    /// - Parameter memory: must be zeroed.
    /// - Parameter configuration: how the engine serves the ring.
    /// - Parameter engine: serves the ring until it is detached.
    public init(_ configuration: Configuration, memory: RingMemory, engine: Engine) {
        self.memory = memory
        self.engine = engine
        key = EngineTurns.Key(
            rank: configuration.hasGlobalPriority ? configuration.priority : 0,
            tenant: configuration.peer?.tenant ?? 0, priority: configuration.priority,
            connection: configuration.peer?.connection ?? 0)
        spaces = [configuration.source, configuration.destination]
        domains = configuration.domains?.map
        buffers = configuration.buffers
        owner = RingConsumer.Owner(
            engine: engine.id, ring: configuration.number ?? Self.newNumber(),
            device: configuration.device, vchan: configuration.vchan)
        // The application's side reads it at creation.
        memory.consumerPage.pointee.light_doorbell = AsymmetricFence.isOffered && !memory.isInRegion ? 1 : 0
        consumer = .allocateOnOwnCacheLines(capacity: 1)
        consumer.initialize(
            to: RingConsumer(
                memory: memory, owner: owner,
                spaces: AddressSpaces(
                    source: AddressTranslation(configuration.source, .read),
                    destination: AddressTranslation(configuration.destination, .write)),
                domains: configuration.domains.map { domains in
                    RingDomains(
                        map: .passUnretained(domains.map), source: domains.source, destination: domains.destination)
                }, buffers: configuration.buffers?.table, giveBack: configuration.giveBack,
                faults: configuration.faults.map { FaultInjector($0, memory: memory) },
                synchronizer: configuration.hasSynchronizedMemory ? Synchronizer(waking: engine.bell) : nil))
        consumer.pointee.account(for: engine.activity)
        node = .allocateOnOwnCacheLines(capacity: 1)
        node.initialize(to: EngineTurns.Node(consumer))
        dmatrace_dmadev_engine_ring_attach(
            owner.engine, owner.ring, owner.device, owner.vchan, UInt16(memory.layout.descriptorCount),
            configuration.peer?.processID ?? getpid(), configuration.peer?.connection ?? 0)
        engine.attach(self)
    }

    deinit {
        consumer.pointee.deallocate()
        consumer.deinitialize(count: 1)
        consumer.deallocate()
        node.deallocate()
    }

    /// Detaches the ring from its engine: the running operation finishes, queued ones end as aborted, operations that
    /// were not rung are dropped. Call it once.
    public func retire() { Self.retire([self]) }

    /// The same for several rings: each engine removes its rings in one change, and is waited for once.
    public static func retire(_ rings: [EngineRing]) {
        let points = Dictionary(grouping: rings) { ObjectIdentifier($0.engine) }.values.map { rings in
            (engine: rings[0].engine, point: startDetaching(rings, from: rings[0].engine))
        }
        for (engine, point) in points { engine.waitFor(point) }
        for ring in rings {
            ring.wasDetached()
            while ring.finishPart() {}
            ring.abortRest()
        }
    }

    /// First of the three steps of ``retire()``, for callers with other work between them: when this returns, the
    /// engine accesses neither the ring's memory nor that of its operations.
    public func detach() {
        engine.detach(self)
        wasDetached()
    }

    /// The first step for rings of one engine without a wait: after the returned point, call ``wasDetached()``.
    public static func startDetaching(_ rings: [EngineRing], from engine: Engine) -> Engine.QuiescentPoint {
        engine.remove(rings)
    }

    /// The engine has passed the point at which the ring is detached.
    public func wasDetached() {
        consumer.pointee.account(for: nil)
    }

    /// Second step, to be repeated: executes the next part, at most 256 KiB, of the operation that was running.
    ///
    /// - Returns: whether a part is left. Without this step the running operation is aborted too.
    public func finishPart() -> Bool {
        // The ring is detached: this thread is now the consumer.
        consumer.pointee.finishPart()
    }

    /// Third step: rung operations that are not finished end as aborted.
    public func abortRest() {
        let aborted = consumer.pointee.abortAll()
        engine.forget(self)
        guard dmatrace_dmadev_engine_ring_detach_enabled() else { return }
        let counters = memory.counters.engine
        dmatrace_emit_dmadev_engine_ring_detach(
            owner.engine, owner.ring, owner.device, owner.vchan, aborted, counters.completed, counters.errors,
            counters.bytes, memory.counters.latency.count)
    }

    /// What the engine has finished and moved; any thread may read it.
    var work: (operations: UInt64, bytes: UInt64) {
        let counters = memory.engineCounters
        return (counters.member(\.completed).loadRelaxed(), counters.member(\.bytes).loadRelaxed())
    }

    /// A number that no other ring of this process has. Any thread.
    public static func newNumber() -> UInt64 {
        nextNumber.wrappingAdd(1, ordering: .relaxed).oldValue
    }

    private static let nextNumber = Atomic<UInt64>(1)
}
