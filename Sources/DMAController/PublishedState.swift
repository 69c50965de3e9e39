internal import DMADev
internal import DMAEngine
internal import LinuxSystem

/// The controller as other threads see it. The control thread stores each change before it answers the request; readers
/// never wait for it. What the engine counts is read where it is counted.
final class PublishedState: Sendable {
    struct Ring: Sendable {
        let memory: RingMemory
        let claims: Claims.Clamp
    }

    /// A registration of a dma-buf, or a window over one.
    struct Buffer: Sendable {
        let exporter: String
        let byteCount: UInt64
        let memory: SynchronizedMemory

        /// - Returns: `nil` for a window over other memory.
        init?(_ window: Peer.Window) {
            guard let memory = window.region.synchronized else { return nil }
            exporter = window.region.exporter
            byteCount = window.amount.bytes
            self.memory = memory
        }
    }

    /// A ring that was started; `nil`: one that is gone.
    typealias RingChange = (vchan: UInt16, ring: Ring?)

    struct Connection: Sendable {
        let number: UInt64
        let processID: Int32, userID: UInt32
        let osDomain: String?
        let domains: [DomainID]
        let groups: [AccessGroupID]
        let figures: [ControllerReport.Figure]
        let buffers: [UInt64: Buffer]
        /// Of removed rings.
        let work: Work, claims: Claims
        let map: DomainMap?
        /// By channel. Filled by ``Contents/store(_:of:_:)``.
        fileprivate(set) var rings: [UInt16: Ring] = [:]

        /// The work of the device, including that of removed rings.
        var allWork: Work {
            var sum = work
            for ring in rings.values { sum += Work(of: ring.memory) }
            sum.refusedAccesses &+= map?.refusedAccesses ?? 0
            return sum
        }

        var row: ControllerReport.Connection {
            let claims = rings.values.reduce(claims) { $0 + $1.claims.read(from: $1.memory) }
            return ControllerReport.Connection(
                number: number, processID: processID, userID: userID, osDomain: osDomain, domains: domains,
                groups: groups,
                figures: figures + [.init("halted_rings", UInt64(rings.values.count { $0.memory.isHalted }))] + ages
                    + allWork.figures + claims.figures,
                buffers: bufferSums)
        }

        private var bufferSums: [ControllerReport.SharedBuffers] {
            Dictionary(grouping: buffers.values, by: \.exporter).sorted { $0.key < $1.key }.map { exporter, buffers in
                ControllerReport.SharedBuffers(
                    exporter: exporter, count: buffers.count, byteCount: buffers.reduce(0) { $0 &+ $1.byteCount },
                    stalledCount: buffers.count { $0.memory.isStalled })
            }
        }

        /// The age of the oldest operation in flight of all its rings, 0 if there is none, and of the last completion, if
        /// there was one. The first is from the doorbell's time, which the application writes.
        private var ages: [ControllerReport.Figure] {
            let all = rings.values.map(\.memory.progress)
            let oldest = all.compactMap(\.oldestOperationAge).max() ?? .zero
            let last = all.compactMap(\.lastCompletionAge).min()
            return [.init("oldest_ns", oldest.inNanoseconds)]
                + (last.map { [.init("last_completion_ns", $0.inNanoseconds)] } ?? [])
        }
    }

    struct Group: Sendable {
        let info: AccessGroupInfo
        let traffic: [DomainHandler: TrafficCounter]

        var members: [ControllerReport.Member] {
            info.members.map { member in
                ControllerReport.Member(
                    group: info.id, handler: member.handler, domain: member.domain, processID: member.processID,
                    osDomain: member.osDomain,
                    figures: (traffic[member.handler]?.reading ?? DomainTraffic()).figures)
            }
        }

        /// The size of the values.
        var byteCount: Int {
            info.members.reduce(0) {
                $0 + MemoryLayout<AccessGroupMember>.stride
                    + $1.windows.count * MemoryLayout<DomainWindow>.stride
            }
        }
    }

    struct Contents: Sendable {
        var memoryMode = ""
        var statistics = ControllerStatistics()
        /// Of disconnected peers.
        var departedWork = Work()
        var connections: [UInt64: Connection] = [:]
        var groups: [AccessGroupID: Group] = [:]
        /// How many rings were stored and removed, and in how many steps.
        private(set) var changedRings = 0, ringSteps = 0

        /// Stores a connection; `nil`: one that is gone. Of its rings, which can be many, only the changes are stored.
        mutating func store(_ connection: Connection?, of number: UInt64, _ changes: [RingChange]) {
            // Taken out, so that the table is changed and not copied.
            var rings = connections.removeValue(forKey: number)?.rings ?? [:]
            guard var connection else { return }
            for (vchan, ring) in changes { rings[vchan] = ring }
            connection.rings = rings
            connections[number] = connection
            guard !changes.isEmpty else { return }
            changedRings += changes.count
            ringSteps += 1
        }
    }

    private let contents = Locked(Contents())

    var statistics: ControllerStatistics { contents.withLock { $0.statistics } }

    /// How many rings were stored and removed so far, and in how many steps.
    var ringChanges: (rings: Int, steps: Int) { contents.withLock { ($0.changedRings, $0.ringSteps) } }

    /// Stores changes. For the control thread.
    func change(_ body: (inout Contents) -> Void) { contents.withLock(body) }

    /// A report as of the last change, with the engine's current counts.
    func report(controllerID: UInt16, path: String) -> ControllerReport {
        let contents = contents.withLock { $0 }
        let connections = contents.connections.values.sorted { $0.number < $1.number }
        let groups = contents.groups.values.sorted { $0.info.id < $1.info.id }
        let work = connections.reduce(into: contents.departedWork) { $0 += $1.allWork }
        return ControllerReport(
            controllerID: controllerID, path: path, memoryMode: contents.memoryMode,
            figures: contents.statistics.figures + work.figures,
            connections: connections.map(\.row), members: groups.flatMap(\.members), groups: groups.map(\.info))
    }
}
