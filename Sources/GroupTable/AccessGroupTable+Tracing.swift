internal import CDMATrace
internal import DMADev
internal import SystemPackage

/// Trace events. The table emits them where it decides, so that no caller can omit them.
extension AccessGroupTable {
    func traceCreated(_ id: AccessGroupID, _ kind: AccessGroupKind, _ seat: Seat) {
        guard dmatrace_dmadev_group_group_created_enabled() else { return }
        dmatrace_dmadev_group_group_created(
            id, UInt16(kind.memberLimit), seat.handler, seat.domain.bytes, seat.processID)
    }

    func traceDestroyed(_ id: AccessGroupID, _ seat: Seat) {
        guard dmatrace_dmadev_group_group_destroyed_enabled() else { return }
        dmatrace_dmadev_group_group_destroyed(id, seat.handler, seat.domain.bytes, seat.processID)
    }

    func traceJoined(_ id: AccessGroupID, _ seat: Seat) {
        guard dmatrace_dmadev_group_member_joined_enabled() else { return }
        dmatrace_dmadev_group_member_joined(id, seat.handler, seat.domain.bytes, seat.processID)
    }

    func traceLeft(_ id: AccessGroupID, _ seat: Seat, _ didDie: Bool) {
        guard dmatrace_dmadev_group_member_left_enabled() else { return }
        dmatrace_dmadev_group_member_left(id, seat.handler, seat.domain.bytes, seat.processID, didDie ? 1 : 0)
    }

    func traceRevoked(_ id: AccessGroupID, _ handler: DomainHandler) {
        dmatrace_dmadev_group_handler_revoked(id, handler)
    }

    func traceAdded(_ id: AccessGroupID, _ window: DomainWindow) {
        dmatrace_dmadev_group_window_added(
            id, window.handler, window.iova, window.length, window.rights.rawValue)
    }

    func traceRemoved(_ id: AccessGroupID, _ window: DomainWindow) {
        dmatrace_dmadev_group_window_removed(id, window.handler, window.iova, window.length)
    }

    func traceDenied(_ id: AccessGroupID, _ domain: DomainID, _ client: AccessGroupClient, _ error: DMAError) {
        guard dmatrace_dmadev_group_join_denied_enabled() else { return }
        dmatrace_dmadev_group_join_denied(
            id, domain.bytes, client.processID, client.userID, error.errno.rawValue)
    }
}
