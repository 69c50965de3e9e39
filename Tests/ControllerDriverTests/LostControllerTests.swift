import ControllerDriver
import DMADev
import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// What members hear when their controller goes, and what they see of each other while it is there.
@Suite struct LostControllerTests {
    /// Events, as they come.
    private final class Heard: Sendable {
        private let events = Locked<[AccessGroupEvent]>([])

        var all: [AccessGroupEvent] { events.withLock { $0 } }

        func listen(to device: DMADevice) throws {
            for event in [AccessTableEvent.update, .destroy] {
                try device.registerEventCallback(
                    AccessGroupCallback { [events] _, event in events.withLock { $0.append(event) } }, for: event)
            }
        }

        func wait(for count: Int) throws {
            let deadline = ContinuousClock.now + .seconds(60)
            while all.count < count {
                guard ContinuousClock.now < deadline else { throw TestSupportError("\(count) events: \(all)") }
                sched_yield()
            }
        }
    }

    private let host: ControllerHost
    private let registry = DeviceRegistry()

    init() throws {
        host = try ControllerHost()
    }

    private func add(_ name: String) throws -> DMADevice {
        try registry.add(ControllerDevice(path: host.path), named: name)
    }

    @Test func eachGroupIsToldAsDestroyedOnce() throws {
        let (creator, joiner, loner) = (try add("creator"), try add("joiner"), try add("loner"))
        let heard = [Heard(), Heard(), Heard()]
        for (heard, device) in zip(heard, [creator, joiner, loner]) { try heard.listen(to: device) }
        let (domain, other) = (DomainID.random(), DomainID.random())
        let token = AccessToken.random()
        let groups = [
            try creator.createAccessGroup(domain: domain, token: token),
            try creator.createAccessPairGroup(domain: domain, token: token),
        ]
        _ = try joiner.joinAccessGroup(groups[0], domain: other, token: token)
        let left = try creator.createAccessGroup(domain: domain, token: token)
        try creator.destroyAccessGroup(left)
        try heard[0].wait(for: 1)

        host.program.kill(SIGKILL)
        try host.program.wait()
        try heard[0].wait(for: 3)
        try heard[1].wait(for: 1)
        #expect(heard[0].all.map(\.kind) == [.joined, .destroyed, .destroyed])
        #expect(heard[0].all.dropFirst().map(\.group) == groups)
        #expect(heard[1].all.map(\.group) == [groups[0]] && heard[1].all.map(\.kind) == [.destroyed])
        // The member that made the group is named.
        #expect(heard[1].all.map(\.domain) == [domain])
        #expect([creator, joiner, loner].allSatisfy { $0.view.accessGroups.isEmpty })

        // A new controller: nothing comes a second time, and its groups are other ones.
        let again = try ControllerHost(in: host.directory)
        try joiner.configure(DeviceConfiguration(virtualChannelCount: 1))
        let new = try joiner.createAccessGroup(domain: other, token: token)
        again.program.kill(SIGKILL)
        try again.program.wait()
        try heard[1].wait(for: 2)
        #expect(heard[1].all.map(\.group) == [groups[0], new])
        #expect(heard[0].all.count == 3 && heard[2].all.isEmpty)
    }

    @Test func whoClosesItsDeviceHearsNothing() throws {
        let device = try add("closing")
        let heard = Heard()
        try heard.listen(to: device)
        _ = try device.createAccessGroup(domain: .random(), token: .random())
        try device.close()
        let witness = try add("witness")
        let other = Heard()
        try other.listen(to: witness)
        _ = try witness.createAccessGroup(domain: .random(), token: .random())
        host.program.kill(SIGKILL)
        try host.program.wait()
        try other.wait(for: 1)
        #expect(heard.all.isEmpty)
    }

    @Test func membersAreToldWithTheirDevices() throws {
        // Numbers that tell whose they are: of this process, not of the controller.
        let (none, first, second) = (try add("none"), try add("first"), try add("second"))
        let domain = DomainID.random()
        let token = AccessToken.random()
        let group = try first.createAccessGroup(domain: domain, token: token)
        let peer = try add("peer")
        _ = try peer.joinAccessGroup(group, domain: .random(), token: token)
        // Another device of the same process with the same domain takes no new seat.
        _ = try second.joinAccessGroup(group, domain: domain, token: token)
        let members = try peer.accessGroupTable(group)
        #expect(members.map(\.devices) == [[first.id, second.id], [peer.id]])
        #expect(members.map(\.processID) == [getpid(), getpid()])
        #expect(none.id == 0)
    }
}
