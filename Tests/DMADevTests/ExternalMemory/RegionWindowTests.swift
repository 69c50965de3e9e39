import DMADev
import GroupTestSupport
import SystemPackage
import Testing

/// Windows over regions.
@Suite struct RegionWindowTests {
    private let registry = DeviceRegistry()
    private let memory: TestMemory

    init() throws { memory = try TestMemory() }

    private func member() throws -> (DMADevice, AccessGroupID) {
        let device = try registry.add(GroupDevice(SharedGroups(), process: 1), named: "member")
        return (device, try device.createAccessGroup(domain: .random(), token: .random()))
    }

    @Test("A region is held by a window until the window is closed")
    func closing() throws {
        let (device, group) = try member()
        let memory = try TestMemory(pages: 4, first: 1)
        let region = try memory.register(in: registry.memory)
        let window = try device.registerWindow(region, part: 4096..<8192, rights: .read, in: group)
        #expect(window.length == 4096)
        let message = refused(.resourceBusy) { try registry.memory.unregister(region) }
        #expect(message.contains("window of device 0 'member' in access group \(group)"))
        try device.unregisterWindow(iova: window.iova)
        #expect(region.currentUses.isEmpty)
        try registry.memory.unregister(region)
        refused(.invalidArgument) { _ = try device.registerWindow(region, rights: .read, in: group) }
    }

    @Test("A window that goes with its group, or with its device, holds no region")
    func groupEnds() throws {
        let (device, group) = try member()
        let region = try memory.register(in: registry.memory)
        _ = try device.registerWindow(region, rights: [.read, .write], in: group)
        #expect(region.currentUses.count == 1)
        try device.destroyAccessGroup(group)
        #expect(region.currentUses.isEmpty)
        let again = try device.createAccessGroup(domain: .random(), token: .random())
        _ = try device.registerWindow(region, rights: .read, in: again)
        refused(.resourceBusy) { try registry.memory.unregister(region) }
        try device.close()
        try registry.memory.unregister(region)
    }

    @Test("What is no part of a region is no window")
    func parts() throws {
        let (device, group) = try member()
        let region = try memory.register(in: registry.memory)
        for part in [0..<16385, 16384..<20480, 5..<5, 0..<UInt64.max] {
            refused(.invalidArgument, "\(part)") {
                _ = try device.registerWindow(region, part: part, rights: .read, in: group)
            }
        }
        refused(.invalidArgument) { _ = try device.registerWindow(region, rights: [], in: group) }
        #expect(region.currentUses.isEmpty)
        try registry.memory.unregister(region)
    }
}
