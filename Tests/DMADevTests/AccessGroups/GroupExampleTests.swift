import DMADev
import GroupTestSupport
import Testing

/// What the pages show of access groups, done by two processes' devices.
@Suite(.timeLimit(.minutes(30))) struct GroupExampleTests {
    @Test("The pages' creator and joiner find each other")
    func example() throws {
        let two = try TwoDevices()
        let token = AccessToken.random()
        let heard = Heard()
        let group = try create(two.near, two.domain, token, heard)
        let handler = try join(two.far, group, two.peer, token, creator: two.domain)
        heard.wait()
        #expect(two.far.view.configuration?.channels.first??.domain.sourceHandler == handler)
        let windows = try two.far.accessGroupWindows(group)
        #expect(windows.map(\.handler) == [handler])
        try two.far.leaveAccessGroup(group)
        heard.wait()
        #expect(heard.all == ["0 joined 0", "0 left 0"])
    }

    private func create(
        _ device: DMADevice, _ own: DomainID, _ token: AccessToken, _ heard: Heard
    ) throws -> AccessGroupID {
        let callback = AccessGroupCallback { device, event in
            heard.note(device, event)
        }
        try device.registerEventCallback(callback, for: .update)
        let group = try device.createAccessGroup(domain: own, token: token, limit: 8)
        let window = try device.registerWindow(
            WindowMemory(address: 1 << 20, length: 1 << 16), rights: .read, in: group)
        #expect(window.length == 1 << 16)
        return group
    }

    private func join(
        _ device: DMADevice, _ group: AccessGroupID, _ own: DomainID, _ token: AccessToken, creator: DomainID
    ) throws -> DomainHandler {
        try device.joinAccessGroup(group, domain: own, token: token)
        let peer = try device.accessGroupHandler(of: creator, in: group)
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(
            0,
            configuration: VirtualChannelConfiguration(
                descriptorCount: 64, domain: InterDomain(type: .process, sourceHandler: peer)))
        return peer
    }
}
