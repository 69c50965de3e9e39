internal import CDMADev
internal import DMADev
internal import DMAEngine
internal import GroupTable
internal import LinuxSystem

/// Work and traffic of each peer, for telemetry. Needs no extra counting: the engine counts anyway, once per run of
/// operations.
extension ControllerLoop {
    func report() -> ControllerReport {
        publish()
        let infos = groups.allGroups
        let peers = peers.values.sorted { $0.number < $1.number }
        var traffic = departedTraffic
        for peer in peers {
            for (handler, more) in peer.device?.domains.traffic ?? [:] {
                traffic[handler] = (traffic[handler] ?? DomainTraffic()) + more
            }
        }
        return ControllerReport(
            controllerID: configuration.controllerID, path: place.path,
            figures: statistics.figures + sum(peers).figures,
            connections: peers.map { row($0, groups.groups(of: $0.client)) },
            members: infos.flatMap { info in
                info.members.map { member in
                    ControllerReport.Member(
                        group: info.id, handler: member.handler, domain: member.domain,
                        processID: member.processID, figures: (traffic[member.handler] ?? DomainTraffic()).figures)
                }
            }, groups: infos)
    }

    /// Adds the counts of a ring that is being removed to its peer.
    func keepCounts(of ring: Peer.Ring, for peer: Peer) {
        peer.work += Work(of: ring)
        peer.claims = peer.claims + ring.claims.read(from: ring.memory)
    }

    /// Adds the counts of a peer that is being removed to the sums.
    func keepCounts(of peer: Peer) {
        departedWork += peer.work
        departedWork.refusedAccesses &+= peer.device?.domains.refusedAccesses ?? 0
        note(peer.device?.domains.traffic ?? [:])
    }

    /// Adds traffic whose counters are being removed to the sums.
    func note(_ traffic: [UInt16: DomainTraffic]) {
        for (handler, more) in traffic {
            departedTraffic[handler] = (departedTraffic[handler] ?? DomainTraffic()) + more
        }
    }

    /// The work of a device, including that of removed rings.
    func work(of peer: Peer) -> Work {
        var work = peer.work
        for ring in peer.rings.values { work += Work(of: ring) }
        work.refusedAccesses &+= peer.device?.domains.refusedAccesses ?? 0
        return work
    }

    private func sum(_ peers: [Peer]) -> Work {
        peers.reduce(into: departedWork) { $0 += work(of: $1) }
    }

    private func row(_ peer: Peer, _ infos: [AccessGroupInfo]) -> ControllerReport.Connection {
        var domains: [DomainID] = []
        for info in infos {
            let own = groups.handler(of: peer.client, in: info.id)
            for member in info.members where member.handler == own && !domains.contains(member.domain) {
                domains.append(member.domain)
            }
        }
        let claims = peer.rings.values.reduce(peer.claims) { $0 + $1.claims.read(from: $1.memory) }
        let counted: [ControllerReport.Figure] = [
            .init("rings", UInt64(peer.rings.count)),
            .init("mapped", UInt64(peer.windows.count)), .init("windows", UInt64(peer.openWindows.count)),
            .init("memory_bytes", peer.chargedBytes), .init("denied_joins", peer.deniedJoins),
            .init("refused_requests", peer.refusedRequests),
        ]
        return ControllerReport.Connection(
            number: peer.number, processID: peer.credentials.pid, userID: peer.credentials.uid, domains: domains,
            groups: infos.map(\.id), figures: counted + ages(of: peer) + work(of: peer).figures + claims.figures)
    }

    /// The age of the oldest operation in flight of all its rings, 0 if there is none, and of the last completion, if
    /// there was one. The first is from the doorbell's time, which the application writes.
    private func ages(of peer: Peer) -> [ControllerReport.Figure] {
        let all = peer.rings.values.map(\.memory.progress)
        let oldest = all.compactMap(\.oldestOperationAge).max() ?? .zero
        let last = all.compactMap(\.lastCompletionAge).min()
        return [.init("oldest_ns", oldest.inNanoseconds)]
            + (last.map { [.init("last_completion_ns", $0.inNanoseconds)] } ?? [])
    }

}

/// Work that the engine counted.
struct Work {
    var operations: UInt64 = 0
    var errors: UInt64 = 0
    var bytes: UInt64 = 0
    /// Operations rejected because they may not access another member's memory.
    var refusedAccesses: UInt64 = 0

    init() {}

    init(of ring: Peer.Ring) {
        // Trusted: only the engine can write this part.
        let counters = ring.memory.counters.engine
        operations = counters.completed
        errors = counters.errors
        bytes = counters.bytes
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
struct Claims {
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

    /// The highest counts ever read from one ring. For the control thread only.
    final class Clamp {
        private var most = Claims()

        func read(from memory: RingMemory) -> Claims {
            let now = memory.counters.application
            most.submitted = max(most.submitted, now.submitted)
            most.doorbells = max(most.doorbells, now.doorbells)
            most.rejected = max(most.rejected, now.rejected)
            return most
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
        ]
    }
}
