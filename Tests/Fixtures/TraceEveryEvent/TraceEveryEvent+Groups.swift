import CDMATrace

extension TraceEveryEvent {
    static func traceGroupCallsOnce() {
        let domain = domain(0)
        dmatrace_dmadev_access_group_create(3, domain, 64, 7, 0)
        dmatrace_dmadev_access_group_join(3, 7, domain, 0xFFFE, -13)
        dmatrace_dmadev_access_group_leave(3, 7, -1)
        dmatrace_dmadev_access_group_destroy(3, 7, -16)
        dmatrace_dmadev_access_group_size_get(3, 7, 65535, 0)
        dmatrace_dmadev_access_group_get(3, 7, [1, 0xFFFE], self.domain(0) + self.domain(100), 2, 0)
        dmatrace_dmadev_access_group_handler_get(3, 7, domain, 9, 0)
        dmatrace_dmadev_access_pair_group_create(3, domain, 32767, 0)
        dmatrace_dmadev_access_pair_group_join(3, 7, domain, 11, 0)
        dmatrace_dmadev_access_pair_group_leave(3, 8, 0)
        dmatrace_dmadev_access_pair_group_destroy(3, 9, 0)
        dmatrace_dmadev_access_pair_group_handler_get(3, 7, domain, 0, -2)
        dmatrace_dmadev_access_group_window_register(3, 7, 0x7000_0000_1000, 4096, 3, 12, 1 << 63, 0)
        dmatrace_dmadev_access_group_window_unregister(3, 1 << 63 | 0x2000, -22)
        dmatrace_dmadev_access_group_windows_get(3, 7, [1 << 63, 1 << 63 | 0x2000], [4096, 1 << 33], [12, 13], 2, 0)
        dmatrace_dmadev_event_callback_register(3, 1, -17)
        dmatrace_dmadev_event_callback_unregister(3, 0, -2)
        dmatrace_dmadev_event_received(3, 2, 7, 12, domain)
    }

    static func traceGroupsOnce() {
        let domain = domain(50)
        dmatrace_dmadev_group_group_created(7, 2, 12, domain, 4711)
        dmatrace_dmadev_group_group_destroyed(7, 13, domain, 4712, "creator_died")
        dmatrace_dmadev_group_member_joined(8, 14, domain, 4713)
        dmatrace_dmadev_group_member_left(9, 15, domain, 4714, 1)
        dmatrace_dmadev_group_device_joined(8, 14, domain, 4713, 32767)
        dmatrace_dmadev_group_device_left(9, 15, domain, 4714, -1)
        dmatrace_dmadev_group_handler_revoked(7, 0xFFFF)
        dmatrace_dmadev_group_window_added(7, 12, 1 << 63, 4096, 3)
        dmatrace_dmadev_group_window_removed(7, 12, 1 << 63 | 0x1000, 1 << 33)
        dmatrace_dmadev_group_join_denied(7, domain, 4715, 1000, 13)
        dmatrace_dmadev_group_access_refused(7, 12, 13, 1 << 63 | 0x3000, 64, 4)
    }

    /// A table that is longer than what is recorded, and ones that are not there.
    static func traceGroupEdges() {
        let handlers = (0..<100).map { UInt16($0) }
        dmatrace_dmadev_access_group_get(0, 0, handlers, (0..<100).flatMap { domain($0) }, 100, 0)
        dmatrace_dmadev_access_group_get(0, 0, nil, nil, 5, -13)
        dmatrace_dmadev_access_group_windows_get(0, 0, nil, nil, nil, 0, 0)
    }

    /// 16 bytes that begin with this one and go up.
    private static func domain(_ first: UInt8) -> [UInt8] {
        (0..<16).map { first + $0 }
    }
}
