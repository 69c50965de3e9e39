internal import CDMATrace
internal import DMADev
internal import SystemPackage

/// The log and the trace events. The table makes both where it decides, so that no caller can omit them.
extension AccessGroupTable {
    /// An event about a member.
    func event(
        _ kind: AccessGroupEvent.Kind, of seat: Seat, in id: AccessGroupID, device: AccessGroupClient? = nil,
        window: DomainWindow? = nil, reason: AccessGroupEvent.EndReason? = nil
    ) -> AccessGroupEvent {
        AccessGroupEvent(
            kind: kind, group: id, identity: groups[id]?.identity ?? 0, handler: seat.handler, domain: seat.domain,
            processID: seat.processID, osDomain: seat.tenant.osDomain, device: device?.number ?? -1, window: window,
            reason: reason)
    }

    /// Adds an event to the log, and traces it.
    ///
    /// - Parameter limit: of a created group.
    func record(_ event: AccessGroupEvent, limit: Int = 0) {
        log.record(event)
        switch event.kind {
        case .created:
            guard dmatrace_dmadev_group_group_created_enabled() else { return }
            dmatrace_dmadev_group_group_created(
                event.group, UInt16(limit), event.handler, event.domain.bytes, event.processID)
        case .destroyed:
            guard dmatrace_dmadev_group_group_destroyed_enabled() else { return }
            dmatrace_dmadev_group_group_destroyed(
                event.group, event.handler, event.domain.bytes, event.processID, event.reason?.name ?? "")
        case .joined:
            guard dmatrace_dmadev_group_member_joined_enabled() else { return }
            dmatrace_dmadev_group_member_joined(event.group, event.handler, event.domain.bytes, event.processID)
        case .left, .died:
            guard dmatrace_dmadev_group_member_left_enabled() else { return }
            dmatrace_dmadev_group_member_left(
                event.group, event.handler, event.domain.bytes, event.processID, event.kind == .died ? 1 : 0)
        case .deviceJoined:
            guard dmatrace_dmadev_group_device_joined_enabled() else { return }
            dmatrace_dmadev_group_device_joined(
                event.group, event.handler, event.domain.bytes, event.processID, event.device)
        case .deviceLeft:
            guard dmatrace_dmadev_group_device_left_enabled() else { return }
            dmatrace_dmadev_group_device_left(
                event.group, event.handler, event.domain.bytes, event.processID, event.device)
        case .windowOpened:
            guard let window = event.window else { return }
            dmatrace_dmadev_group_window_added(
                event.group, window.handler, window.iova, window.length, window.rights.rawValue)
        case .windowClosed:
            guard let window = event.window else { return }
            dmatrace_dmadev_group_window_removed(event.group, window.handler, window.iova, window.length)
        case .denied:
            break  // Traced with its error: see `recordDenied`.
        }
    }

    func recordDenied(_ id: AccessGroupID, _ domain: DomainID, _ client: AccessGroupClient, _ error: DMAError) {
        record(
            AccessGroupEvent(
                kind: .denied, group: id, handler: 0, domain: domain, processID: client.processID,
                osDomain: client.tenant.osDomain, userID: client.userID, device: client.number))
        guard dmatrace_dmadev_group_join_denied_enabled() else { return }
        dmatrace_dmadev_group_join_denied(
            id, domain.bytes, client.processID, client.userID, error.errno.rawValue)
    }

    func traceRevoked(_ id: AccessGroupID, _ handler: DomainHandler) {
        dmatrace_dmadev_group_handler_revoked(id, handler)
    }
}
