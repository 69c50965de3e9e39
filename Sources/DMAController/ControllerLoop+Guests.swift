internal import ControllerProtocol
internal import Glibc
internal import GroupTable
internal import LinuxSystem
internal import Logging
internal import SystemPackage

/// Processes of other operating systems. Their connections differ from others in two points: no process is watched, and
/// all memory is in the region of their domain.
extension ControllerLoop {
    /// Queues new connections, and ends those whose memory is lost.
    func takeArrivals() {
        for arrival in domains.arrivals.take() {
            sessions[.osDomain(arrival.domain)] = arrival.process.session
            queue.add(.admit(arrival), for: .osDomain(arrival.domain))
        }
        for name in domains.lost { endDomain(name) }
    }

    /// Closes what is not connected yet: the controller stops.
    func closeArrivals() {
        for arrival in domains.arrivals.close() + delayedArrivals.values.joined() {
            _ = OwnedDescriptor(adopting: arrival.socket)
        }
        delayedArrivals = [:]
    }

    /// Ends what is left of earlier sessions: their memory is shared out anew in this one.
    ///
    /// - Returns: whether nothing is left.
    private func endEarlierSessions(_ tenant: Tenant, before session: UInt64) -> Bool {
        for peer in peers.values where peer.tenant == tenant && peer.session != session { drop(peer) }
        return !leaving.values.contains { $0.tenant == tenant && $0.session != session }
    }

    /// Queues the connections that have waited for the end of this one.
    func takeDelayedArrivals(_ tenant: Tenant) {
        for arrival in delayedArrivals.removeValue(forKey: tenant) ?? [] { queue.add(.admit(arrival), for: tenant) }
    }

    func admit(_ arrival: GuestArrivals.Arrival) {
        let tenant = Tenant.osDomain(arrival.domain)
        guard sessions[tenant] == arrival.process.session else {
            // A later session has begun meanwhile.
            _ = OwnedDescriptor(adopting: arrival.socket)
            return
        }
        guard delayedArrivals[tenant] == nil, endEarlierSessions(tenant, before: arrival.process.session) else {
            delayedArrivals[tenant, default: []].append(arrival)
            return
        }
        // The bridge has the other end: no message can contain descriptors.
        let socket = UntrustedPeerSocket(
            OwnedDescriptor(adopting: arrival.socket), .noDescriptors, of: tenant, blockingCalls)
        _ = fcntl(socket.raw, F_SETFL, fcntl(socket.raw, F_GETFL) | O_NONBLOCK)
        let process = arrival.process
        let metadata = Self.metadata(process.pid, process.uid, tenant)
        let region: SharedRegion
        do throws(ControllerError) {
            let isUsed =
                peers.values.contains { $0.tenant == tenant } || leaving.values.contains { $0.tenant == tenant }
            guard let found = try domains.region(of: arrival.domain, isUsed: isUsed) else { return }
            region = found
        } catch {
            return refuseConnection(socket, metadata, error.description, .noSuchAddressOrDevice)
        }
        guard mayConnect(socket, tenant, metadata) else { return }
        let identity = ProcessTable.Identity.guest(
            domain: arrival.domain, session: process.session, identity: process.identity)
        do throws(Errno) {
            try connect(socket, tenant, identity) { number, processNumber in
                let peer = Peer(
                    number: number, socket: socket, process: nil, processID: process.pid, userID: process.uid,
                    tenant: tenant, region: region, processNumber: processNumber)
                peer.session = process.session
                return peer
            }
        } catch {
            refuseConnection(socket, metadata, "the controller cannot watch the connection: \(error)", error)
        }
    }

    /// Ends all connections of a domain whose memory has become shorter.
    private func endDomain(_ name: String) {
        let ended = peers.values.filter { $0.tenant == .osDomain(name) && $0.region?.isLost == true }
        guard !ended.isEmpty else { return }
        logger.error(
            "the memory of an operating system has become shorter: its connections end",
            metadata: ["os_domain": "\(name)", "connections": "\(ended.count)"])
        let failed = Failed(
            errno: Errno.noSuchAddressOrDevice.rawValue,
            reason: "the memory of operating system \(name) has become shorter: its connections end")
        for peer in ended {
            peer.isExpelled = true
            answer(peer, failed, sequence: 0)
            drop(peer)
        }
    }
}
