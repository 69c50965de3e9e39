import ControllerDriver
import DMAController
import DMADev
import DMATelemetry
import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// One group of three operating systems: a process of the controller's, and one in each of two guests.
@Suite struct GuestGroupTests {
    private let directory: TemporaryDirectory
    private let regions: [RegionFile]
    private let controller: DMAController
    private let guests: [StandInGuest]
    private let token = AccessToken.random()

    init() throws {
        directory = try TemporaryDirectory()
        regions = [try RegionFile(), try RegionFile()]
        var configuration = ControllerConfiguration()
        configuration.osDomains = [
            OSDomain(name: "one", memory: regions[0].path), OSDomain(name: "two", memory: regions[1].path),
        ]
        controller = try DMAController.start(path: directory.file("control"), configuration: configuration)
        guests = [
            try StandInGuest(controller, "one", regions[0], in: directory),
            try StandInGuest(controller, "two", regions[1], in: directory),
        ]
    }

    /// The host's member made the group; the guests have joined it.
    private func members() throws -> (group: AccessGroupID, all: [GuestMember]) {
        let all = try [controller.path, guests[0].path, guests[1].path].map { try GuestMember($0) }
        let group = try all[0].device.createAccessGroup(domain: all[0].domain, token: token, limit: 3)
        all[0].handler = try all[0].device.accessGroupHandler(of: all[0].domain, in: group)
        for guest in all[1...] {
            #expect(
                errno { try guest.device.joinAccessGroup(group, domain: guest.domain, token: .random()) }
                    == .permissionDenied)
            guest.handler = try guest.device.joinAccessGroup(group, domain: guest.domain, token: token)
        }
        return (group, all)
    }

    @Test func eachMovesMemoryFromAndToEachOther() throws {
        let (group, all) = try members()
        #expect(try all.map { try $0.device.accessGroupSize(group) } == [3, 3, 3])
        #expect(
            errno {
                let fourth = try GuestMember(guests[0].path)
                try fourth.device.joinAccessGroup(group, domain: fourth.domain, token: token)
            } == .noSpace)
        let windows = try all.map { try $0.window(group) }
        #expect(try Set(all[2].device.accessGroupWindows(group).map(\.iova)) == Set(windows.map(\.iova)))
        let length = UInt32(all[0].buffer.bytes.count)
        for member in all { try member.start() }
        var byte: UInt8 = 1
        for from in 0..<3 {
            for to in 0..<3 where from != to {
                let (source, target) = (all[from], all[to])
                // By the owner of the source, by that of the target, and by the third.
                let third = 3 - from - to
                for (worker, copy) in [
                    (from, (source.iova, windows[to].iova, GuestMember.flags(destination: target.handler))),
                    (to, (windows[from].iova, target.iova, GuestMember.flags(source: source.handler))),
                    (
                        third,
                        (
                            windows[from].iova, windows[to].iova,
                            GuestMember.flags(source: source.handler, destination: target.handler)
                        )
                    ),
                ] {
                    source.fill(byte)
                    target.fill(0)
                    #expect(
                        try all[worker].copy(from: copy.0, to: copy.1, length, copy.2) == .successful,
                        "\(from) to \(to) by \(worker)")
                    #expect(target.holds(byte) && source.holds(byte), "\(from) to \(to) by \(worker)")
                    byte += 1
                }
            }
        }
        // The kind of the other domain is said, and makes no difference.
        #expect(
            try all[1].copy(
                from: windows[0].iova, to: all[1].iova, 8, GuestMember.flags(source: all[0].handler, .process))
                == .successful)
        // By the channel.
        try all[1].start(InterDomain(type: .operatingSystem, sourceHandler: all[2].handler))
        all[2].fill(0xC7)
        #expect(try all[1].copy(from: windows[2].iova, to: all[1].iova, length) == .successful)
        #expect(all[1].holds(0xC7))
        // Beyond the window, and without a handler.
        #expect(
            try all[1].copy(from: windows[2].iova + UInt64(length) - 4, to: all[1].iova, 8) == .invalidSourceAddress)
        #expect(
            try all[0].copy(from: windows[2].iova, to: all[0].iova, 8) == .invalidSourceAddress)
    }

    @Test func twoGuestsAreAPair() throws {
        let (one, two) = (try GuestMember(guests[0].path), try GuestMember(guests[1].path))
        let events = Locked<[AccessGroupEvent.Kind]>([])
        let group = try one.device.createAccessPairGroup(
            domain: one.domain, token: token,
            callback: AccessGroupCallback { _, event in events.withLock { $0.append(event.kind) } })
        two.handler = try two.device.joinAccessPairGroup(group, domain: two.domain, token: token)
        #expect(try one.device.accessPairGroupHandler(of: two.domain, in: group) == two.handler)
        let window = try two.window(group)
        try one.start()
        one.fill(0x31)
        #expect(
            try one.copy(from: one.iova, to: window.iova, 65536, GuestMember.flags(destination: two.handler))
                == .successful)
        #expect(two.holds(0x31))
        #expect(errno { try one.device.leaveAccessPairGroup(group) } == .notPermitted)
        #expect(errno { try one.device.destroyAccessPairGroup(group) } == .resourceBusy)
        #expect(errno { try two.device.destroyAccessPairGroup(group) } == .notPermitted)
        try two.device.leaveAccessPairGroup(group)
        #expect(
            try one.copy(from: one.iova, to: window.iova, 8, GuestMember.flags(destination: two.handler)) == .userAbort)
        // Before the group ends, and with it its callback.
        try eventually("the events have come") {
            events.withLock { $0.filter { [.joined, .left].contains($0) } } == [.joined, .left]
        }
        try one.device.destroyAccessPairGroup(group)
    }

    @Test func aGuestThatEndsHasLeftAndTheOthersGoOn() throws {
        let (group, all) = try members()
        let windows = try all.map { try $0.window(group) }
        for member in all { try member.start() }
        let named = GuestMember.flags(destination: all[1].handler)
        #expect(try all[0].copy(from: all[0].iova, to: windows[1].iova, 8, named) == .successful)
        // Work on its memory is under way.
        for _ in 0..<40 { try all[0].begin(from: all[0].iova, to: windows[1].iova, 65536, named) }
        guests[0].end()
        let statuses = try all[0].ends(40)
        #expect(statuses.drop { $0 == .successful }.allSatisfy { $0 == .userAbort })
        for member in [all[0], all[2]] {
            try eventually("the others know") { try member.device.accessGroupSize(group) == 2 }
            #expect(try member.copy(from: member.iova, to: windows[1].iova, 8, named) == .userAbort)
        }
        // What the guest's memory holds now is its own affair.
        try eventually("nothing of it is left") { controller.statistics.connections == 2 }
        let memory = try regions[0].map()
        _ = memory.bytes.initializeMemory(as: UInt8.self, repeating: 0x7E)
        all[0].fill(0x11)
        #expect(
            try all[0].copy(
                from: all[0].iova, to: windows[2].iova, 65536, GuestMember.flags(destination: all[2].handler))
                == .successful)
        #expect(all[2].holds(0x11))
        #expect(memory.bytes.allSatisfy { $0 == 0x7E })
        // Its devices are halted, and their buffers are memory of their own.
        #expect(try all[1].device.status(of: 0) == .haltedError)
        all[1].fill(3)
        #expect(all[1].holds(3) && memory.bytes.allSatisfy { $0 == 0x7E })

        // The events name it.
        let events = controller.groupEvents.last().map(\.event)
        #expect(events.first { $0.kind == .died }?.osDomain == "one")
        #expect(events.first { $0.kind == .joined }?.osDomain == "two")
        #expect(events.first { $0.kind == .created }?.osDomain == nil)

        // It starts anew, and may join again.
        let again = try StandInGuest(controller, "one", regions[0], in: directory, session: 2)
        let member = try GuestMember(again.path)
        member.handler = try member.device.joinAccessGroup(group, domain: all[1].domain, token: token)
        let window = try member.window(group)
        try member.start()
        all[2].fill(0x22)
        #expect(
            try all[2].copy(from: all[2].iova, to: window.iova, 65536, GuestMember.flags(destination: member.handler))
                == .successful)
        #expect(member.holds(0x22))
    }

    @Test func reportsNameTheOperatingSystem() throws {
        let (group, all) = try members()
        let report = controller.report()
        #expect(report.connections.map(\.osDomain) == [nil, "one", "two"])
        #expect(report.connections.map(\.processID) == [getpid(), 4711, 4711])
        #expect(report.members.map(\.osDomain) == [nil, "one", "two"])
        #expect(report.groups.first { $0.id == group }?.members.map(\.osDomain) == [nil, "one", "two"])
        withExtendedLifetime(all) {}
    }

    @Test func aDeviceWithoutTheCapabilityRefuses() throws {
        let plain = try DMAController.start(path: directory.file("plain"))
        let member = try GuestMember(plain.path)
        #expect(!member.device.properties.capabilities.contains(.interOSDomain))
        let group = try member.device.createAccessGroup(domain: member.domain, token: token)
        let handler = try member.device.accessGroupHandler(of: member.domain, in: group)
        #expect(
            errno { try member.start(InterDomain(type: .operatingSystem, sourceHandler: handler)) } == .invalidArgument)
        try member.start(InterDomain(type: .process, sourceHandler: handler))
        #expect(
            errno {
                _ = try member.copy(from: member.iova, to: member.iova + 64, 8, GuestMember.flags(source: handler))
            }
                == .invalidArgument)
        // In a guest both kinds are there, and a handler must be one.
        let guest = try GuestMember(guests[0].path)
        #expect(errno { try guest.start(InterDomain(type: .operatingSystem, sourceHandler: 77)) } == .invalidArgument)
    }
}
