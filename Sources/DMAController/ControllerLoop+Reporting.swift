internal import CDMADev
internal import DMADev
internal import DMAEngine
internal import GroupTable
internal import LinuxSystem

/// Publishes what has changed, for readers in other threads.
extension ControllerLoop {
    func publish() {
        let total = ledger.total
        statistics.connections = peers.count + leaving.count
        statistics.rings = total.rings
        statistics.windows = total.windows
        statistics.memoryBytes = total.bytes
        statistics.groups = groupStates.count
        guard !changedPeers.isEmpty || !changedGroups.isEmpty || statistics != lastStatistics else { return }
        var changed: [(AccessGroupID, PublishedState.Group?)] = []
        for id in changedGroups {
            let group = groups.group(id).flatMap { info in
                groupStates[id].map { PublishedState.Group(info: info, traffic: $0.traffic) }
            }
            statistics.members += (group?.info.members.count ?? 0) - (memberCounts[id] ?? 0)
            memberCounts[id] = group?.info.members.count
            statistics.rebuiltBytes += UInt64(group?.byteCount ?? 0)
            changed.append((id, group))
        }
        let rows = changedPeers.map { number in
            let peer = peers[number] ?? leaving[number]
            return (number, peer.map(row), peer.map(takeChangedRings) ?? [])
        }
        published.change { [statistics, departedWork] contents in
            contents.statistics = statistics
            contents.departedWork = departedWork
            for (number, row, rings) in rows { contents.store(row, of: number, rings) }
            for (id, group) in changed { contents.groups[id] = group }
        }
        changedPeers = []
        changedGroups = []
        lastStatistics = statistics
    }

    private func row(_ peer: Peer) -> PublishedState.Connection {
        var domains: [DomainID] = []
        let memberships = peer.memberships.sorted { $0.key < $1.key }
        for (_, membership) in memberships where !domains.contains(membership.domain) {
            domains.append(membership.domain)
        }
        return PublishedState.Connection(
            number: peer.number, processID: peer.processID, userID: peer.userID, osDomain: peer.tenant.osDomain,
            domains: domains,
            groups: memberships.map(\.key),
            figures: [
                .init("rings", UInt64(peer.rings.count)),
                .init("mapped", UInt64(peer.windows.count)), .init("windows", UInt64(peer.openWindows.count)),
                .init("memory_bytes", peer.chargedBytes), .init("denied_joins", peer.deniedJoins),
                .init("refused_requests", peer.refusedRequests),
            ],
            buffers: peer.buffers, work: peer.work, claims: peer.claims, map: peer.device?.domains)
    }

    private func takeChangedRings(of peer: Peer) -> [PublishedState.RingChange] {
        defer { peer.changedRings = [] }
        return peer.changedRings.map { vchan in
            (vchan, peer.rings[vchan].map { PublishedState.Ring(memory: $0.memory, claims: $0.claims) })
        }
    }
}

/// Work that the engine counted.
struct Work: Sendable {
    var operations: UInt64 = 0
    var errors: UInt64 = 0
    var bytes: UInt64 = 0
    /// Operations rejected because they may not access another member's memory.
    var refusedAccesses: UInt64 = 0

    init() {}

    init(of ring: RingMemory) {
        // Trusted: only the engine can write this part.
        let counters = ring.counters.engine
        operations = counters.completed
        errors = counters.errors
        bytes = counters.bytes
    }

    static func - (more: Work, less: Work) -> Work {
        var rest = more
        rest.operations &-= less.operations
        rest.errors &-= less.errors
        rest.bytes &-= less.bytes
        rest.refusedAccesses &-= less.refusedAccesses
        return rest
    }

    static func += (sum: inout Work, more: Work) {
        sum.operations &+= more.operations
        sum.errors &+= more.errors
        sum.bytes &+= more.bytes
        sum.refusedAccesses &+= more.refusedAccesses
    }

    var figures: [ControllerReport.Figure] {
        [
            .init("operations", operations), .init("errors", errors), .init("bytes", bytes),
            .init("refused_accesses", refusedAccesses),
        ]
    }
}

/// Counts that only the application has. It writes them to shared memory, so any value is possible; reported values
/// never decrease.
struct Claims: Sendable {
    var submitted: UInt64 = 0
    var doorbells: UInt64 = 0
    var rejected: UInt64 = 0

    static func + (one: Claims, other: Claims) -> Claims {
        func sum(_ one: UInt64, _ other: UInt64) -> UInt64 {
            let (sum, overflow) = one.addingReportingOverflow(other)
            return overflow ? .max : sum
        }
        return Claims(
            submitted: sum(one.submitted, other.submitted), doorbells: sum(one.doorbells, other.doorbells),
            rejected: sum(one.rejected, other.rejected))
    }

    var figures: [ControllerReport.Figure] {
        [
            .init("claimed_submitted", submitted), .init("claimed_doorbells", doorbells),
            .init("claimed_rejected_enqueues", rejected),
        ]
    }

    /// The highest counts ever read from one ring. Any thread.
    final class Clamp: Sendable {
        private let most = Locked(Claims())

        func read(from memory: RingMemory) -> Claims {
            most.withLock { most in
                let now = memory.counters.application
                most.submitted = max(most.submitted, now.submitted)
                most.doorbells = max(most.doorbells, now.doorbells)
                most.rejected = max(most.rejected, now.rejected)
                return most
            }
        }
    }
}

extension DomainTraffic {
    var figures: [ControllerReport.Figure] {
        [
            .init("read_operations", readOperations), .init("read_bytes", readBytes),
            .init("written_operations", writtenOperations), .init("written_bytes", writtenBytes),
        ]
    }
}

extension ControllerStatistics {
    var figures: [ControllerReport.Figure] {
        [
            .init("connections", UInt64(connections)), .init("rings", UInt64(rings)),
            .init("windows", UInt64(windows)), .init("memory_bytes", memoryBytes),
            .init("groups", UInt64(groups)), .init("members", UInt64(members)),
            .init("accepted", accepted), .init("closed", closed), .init("refused_connections", refusedConnections),
            .init("refused_requests", refusedRequests), .init("invalid_messages", invalidMessages),
            .init("quota_refusals", quotaRefusals),
            .init("joins", joins), .init("denied_joins", deniedJoins),
            .init("published_maps", publishedMaps), .init("quiescent_points", quiescentPoints),
            .init("rebuilt_bytes", rebuiltBytes),
        ]
    }
}
