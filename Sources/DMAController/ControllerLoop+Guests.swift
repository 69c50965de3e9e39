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
        for arrival in domains.arrivals.take() { queue.add(.admit(arrival), for: .osDomain(arrival.domain)) }
        for name in domains.lost { endDomain(name) }
    }

    /// Closes what is not connected yet: the controller stops.
    func closeArrivals() {
        for arrival in domains.arrivals.close() { _ = OwnedDescriptor(adopting: arrival.socket) }
    }

    func admit(_ arrival: GuestArrivals.Arrival) {
        let tenant = Tenant.osDomain(arrival.domain)
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
                Peer(
                    number: number, socket: socket, process: nil, processID: process.pid, userID: process.uid,
                    tenant: tenant, region: region, processNumber: processNumber)
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
