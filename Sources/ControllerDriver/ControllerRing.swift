internal import CDMADev
internal import ControllerProtocol
internal import DMADev
internal import DMAEngine
internal import LinuxSystem
internal import SystemPackage

/// The application's side of one ring whose engine is the controller's.
final class ControllerRing: @unchecked Sendable {
    // The memory behind `producer` is for the one thread that uses the channel; everything else is constant or atomic.
    let producer: RingProducer
    let counters: RingCounters

    private let memory: RingMemory
    private let state: UnsafeMutablePointer<dmadev_producer_state>
    private let operations: UnsafeMutablePointer<UnsafeMutablePointer<dmadev_op>?>?
    private let connection: ControllerConnection

    /// Asks for the ring of a channel and maps it.
    init(
        _ vchan: UInt16, descriptorCount: UInt16, domain: InterDomain, maximumEntryCount: UInt16,
        mode: ConfigurationFlags,
        on connection: ControllerConnection
    ) throws(DMAError) {
        let request = AttachRing(
            vchan: vchan, descriptorCount: descriptorCount, maximumEntryCount: maximumEntryCount,
            sourceHandler: domain.sourceHandler, destinationHandler: domain.destinationHandler)
        var answer = try connection.request(request, for: RingAttached.self)
        guard let application = answer.descriptors.takeFirst(), let engine = answer.descriptors.takeFirst() else {
            throw DMAError(.system, .protocolError, "the controller's answer brings no memory for a ring")
        }
        let layout = RingLayout(descriptorCount: Int(descriptorCount), maximumEntries: Int(maximumEntryCount))
        let memory: RingMemory
        do throws(Errno) {
            memory = try RingMemory(layout: layout, applicationFile: application.raw, engineFile: engine.raw)
        } catch {
            throw DMAError(.system, error, "the ring of virtual channel \(vchan) cannot be mapped: \(error)")
        }
        self.memory = memory
        self.connection = connection
        counters = RingCounters(in: memory)
        if mode.contains(.enqueueDequeue) {
            let room = UnsafeMutablePointer<UnsafeMutablePointer<dmadev_op>?>.allocate(capacity: layout.slotCount)
            room.initialize(repeating: nil, count: layout.slotCount)
            operations = room
        } else {
            operations = nil
        }
        state = .allocateOnOwnCacheLines(capacity: 1)
        state.initialize(to: dmadev_producer_state())
        producer = RingProducer(
            memory: memory, state: state, counters: counters.application,
            bell: EngineBell(word: connection.liveness.bellWord, event: connection.bell.raw),
            isSilent: mode.contains(.silent), hasPool: false, operations: operations)
    }

    deinit {
        producer.deallocate()
        state.deallocate()
        operations?.deallocate()
    }

    var isAlive: Bool { connection.isAlive }

    /// What the data path looks at before each call.
    var liveness: UnsafeMutablePointer<UInt64> { connection.liveness.word }

    var status: VirtualChannelStatus {
        guard isAlive else { return .haltedError }
        let tail = memory.producerPage.pointer(to: \.tail)!.loadAcquiring()
        return memory.consumerPage.pointer(to: \.completed)!.loadAcquiring() == tail ? .idle : .active
    }

    /// All that the ring has counted: the engine's part from memory that only the controller writes.
    var details: ChannelDetails { ChannelDetails(counters.readAll()) }
}

extension ChannelDetails {
    init(_ read: RingDetails) {
        self.init(
            statistics: Statistics(
                submitted: read.counts.submitted, completed: read.counts.completed, errors: read.counts.errors),
            bytes: read.bytes, kinds: read.kinds, failures: read.statuses, rejected: read.rejected,
            doorbells: read.doorbells, highWater: read.highWater,
            latency: Latency(
                buckets: read.latencyBuckets.enumerated().map {
                    Latency.Bucket(upperBound: LatencyHistogram.upperBound(of: $0), count: $1)
                }, sum: read.latencySum))
    }
}
