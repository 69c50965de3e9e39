import DMADev
import GroupTestSupport

extension TraceEveryCall {
    /// Two devices of two processes that share access groups.
    static func crossDomains(_ registry: DeviceRegistry) throws {
        let groups = SharedGroups()
        let near = try registry.add(GroupDevice(groups, process: 1), named: "near")
        expect("device_added dev_id=0 name=near driver=groups")
        let far = try registry.add(GroupDevice(groups, process: 2), named: "far")
        expect("device_added dev_id=1 name=far driver=groups")
        try shareGroup(near, far)
        try sharePairGroup(near, far)
        try endGroup(near, far)
        for device in [near, far] {
            try device.close()
            expect("device_removed dev_id=\(device.id) name=\(device.name)")
            expect("close dev_id=\(device.id) ret=0")
        }
    }

    private static func shareGroup(_ near: DMADevice, _ far: DMADevice) throws {
        let (domain, peer, token) = (DomainID.random(), DomainID.random(), AccessToken.random())
        _ = try? near.createAccessGroup(domain: domain, token: token, limit: 1)
        expect("access_group_create dev_id=0 limit=1 group_id=-1 ret=-22")
        let group = try near.createAccessGroup(domain: domain, token: token, limit: 3)
        expect("access_group_create dev_id=0 limit=3 group_id=0 ret=0")
        _ = try? far.joinAccessGroup(group, domain: peer, token: .random())
        expect("access_group_join dev_id=1 group_id=0 handler=0 ret=-13")
        try far.joinAccessGroup(group, domain: peer, token: token)
        expect("event_received dev_id=0 kind=0 group_id=0 handler=2")
        expect("access_group_join dev_id=1 group_id=0 handler=2 ret=0")
        _ = try near.accessGroupSize(group)
        expect("access_group_size_get dev_id=0 group_id=0 size=2 ret=0")
        _ = try? near.accessGroupSize(99)
        expect("access_group_size_get dev_id=0 group_id=99 size=0 ret=-22")
        _ = try near.accessGroupTable(group)
        expect("access_group_get dev_id=0 group_id=0 count=2 ret=0")
        _ = try near.accessGroupHandler(of: peer, in: group)
        expect("access_group_handler_get dev_id=0 group_id=0 handler=2 ret=0")
        _ = try? near.accessGroupHandler(of: .random(), in: group)
        expect("access_group_handler_get dev_id=0 group_id=0 handler=0 ret=-2")

        let window = try far.registerWindow(WindowMemory(address: 4096, length: 8192), rights: .read, in: group)
        expect("event_received dev_id=0 kind=3 group_id=0 handler=2")
        expect(
            "access_group_window_register dev_id=1 group_id=0 address=4096 length=8192 rights=1 handler=2"
                + " iova=\(window.iova) ret=0")
        _ = try near.accessGroupWindows(group)
        expect("access_group_windows_get dev_id=0 group_id=0 count=1 ret=0")
        try far.unregisterWindow(iova: window.iova)
        expect("event_received dev_id=0 kind=4 group_id=0 handler=2")
        expect("access_group_window_unregister dev_id=1 iova=\(window.iova) ret=0")
        try? far.unregisterWindow(iova: window.iova)
        expect("access_group_window_unregister dev_id=1 iova=\(window.iova) ret=-22")

        let callback = AccessGroupCallback { _, _ in }
        for ret in [0, -17] {
            try? near.registerEventCallback(callback, for: .update)
            expect("event_callback_register dev_id=0 event=0 ret=\(ret)")
        }
        for ret in [0, -2] {
            try? near.unregisterEventCallback(callback, for: .update)
            expect("event_callback_unregister dev_id=0 event=0 ret=\(ret)")
        }
        try? near.destroyAccessGroup(group)
        expect("access_group_destroy dev_id=0 group_id=0 ret=-16")
        try far.leaveAccessGroup(group)
        expect("event_received dev_id=0 kind=1 group_id=0 handler=2")
        expect("access_group_leave dev_id=1 group_id=0 ret=0")
        try near.destroyAccessGroup(group)
        expect("access_group_destroy dev_id=0 group_id=0 ret=0")
    }

    /// A group that ends with its creator, and with the windows of all members.
    private static func endGroup(_ near: DMADevice, _ far: DMADevice) throws {
        let (domain, token) = (DomainID.random(), AccessToken.random())
        let group = try near.createAccessGroup(domain: domain, token: token)
        expect("access_group_create dev_id=0 group_id=2 ret=0")
        try far.joinAccessGroup(group, domain: .random(), token: token)
        expect("event_received dev_id=0 kind=0 group_id=2 handler=6")
        expect("access_group_join dev_id=1 group_id=2 handler=6 ret=0")
        for (device, other) in [(near, far), (far, near)] {
            let window = try device.registerWindow(WindowMemory(address: 4096, length: 8192), rights: .read, in: group)
            expect("event_received dev_id=\(other.id) kind=3 group_id=2 handler=\(window.handler)")
            expect("access_group_window_register dev_id=\(device.id) group_id=2 handler=\(window.handler) ret=0")
        }
        // Before the creator's own events of its end.
        expect("event_received dev_id=1 kind=2 group_id=2 handler=5")
    }

    private static func sharePairGroup(_ near: DMADevice, _ far: DMADevice) throws {
        let (domain, peer, token) = (DomainID.random(), DomainID.random(), AccessToken.random())
        let pair = try near.createAccessPairGroup(domain: domain, token: token)
        expect("access_pair_group_create dev_id=0 group_id=1 ret=0")
        try far.joinAccessPairGroup(pair, domain: peer, token: token)
        expect("event_received dev_id=0 kind=0 group_id=1 handler=4")
        expect("access_pair_group_join dev_id=1 group_id=1 handler=4 ret=0")
        _ = try far.accessPairGroupHandler(of: domain, in: pair)
        expect("access_pair_group_handler_get dev_id=1 group_id=1 handler=3 ret=0")
        try? near.leaveAccessPairGroup(pair)
        expect("access_pair_group_leave dev_id=0 group_id=1 ret=-1")
        try far.leaveAccessPairGroup(pair)
        expect("event_received dev_id=0 kind=1 group_id=1 handler=4")
        expect("access_pair_group_leave dev_id=1 group_id=1 ret=0")
        try near.destroyAccessPairGroup(pair)
        expect("access_pair_group_destroy dev_id=0 group_id=1 ret=0")
    }
}
