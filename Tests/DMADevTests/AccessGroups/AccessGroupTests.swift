import DMADev
import GroupTestSupport
import SystemPackage
import Testing

/// What the calls about access groups check, pass on, and note.
/// The limit is long, because the time in which a test waits for a thread of the pool counts too.
@Suite(.timeLimit(.minutes(30))) struct AccessGroupTests {
    @Test("A group's life: created, joined, looked at, left, destroyed")
    func life() throws {
        let two = try TwoDevices()
        let group = try two.group()
        #expect(try two.near.accessGroupSize(group) == 2)
        let table = try two.far.accessGroupTable(group)
        #expect(table.map(\.domain) == [two.domain, two.peer])
        #expect(table.map(\.isCreator) == [true, false])
        #expect(try two.near.accessGroupHandler(of: two.peer, in: group) == table[1].handler)
        #expect(two.near.view.accessGroups.map(\.id) == [group])
        refused(.noSuchFileOrDirectory) {
            try two.near.accessGroupHandler(of: .random(), in: group)
        }
        refused(.notPermitted) { try two.near.leaveAccessGroup(group) }
        refused(.notPermitted) { try two.far.destroyAccessGroup(group) }
        refused(.resourceBusy) { try two.near.destroyAccessGroup(group) }
        try two.far.leaveAccessGroup(group)
        #expect(try two.near.accessGroupSize(group) == 1)
        refused(.permissionDenied) { try two.far.accessGroupSize(group) }
        try two.near.destroyAccessGroup(group)
        #expect(two.near.view.accessGroups == [])
    }

    @Test("A pair group holds two, and its calls reach the same groups")
    func pairs() throws {
        let two = try TwoDevices()
        let third = try two.registry.add(GroupDevice(two.groups, process: 3), named: "third")
        let pair = try two.near.createAccessPairGroup(domain: two.domain, token: two.token)
        let handler = try two.far.joinAccessPairGroup(pair, domain: two.peer, token: two.token)
        refused(.noSpace) {
            try third.joinAccessPairGroup(pair, domain: .random(), token: two.token)
        }
        #expect(try two.near.accessPairGroupHandler(of: two.peer, in: pair) == handler)
        #expect(two.near.view.accessGroups.map(\.kind) == [.pair])
        #expect(try two.near.accessGroupSize(pair) == 2)
        try two.far.leaveAccessPairGroup(pair)
        try two.near.destroyAccessPairGroup(pair)
    }

    @Test("A device without the capabilities, and a group beyond its number, are EINVAL")
    func validation() throws {
        let two = try TwoDevices()
        let driver = RecordingDriver()
        let plain = try DMADevice.alone(driver)
        let calls: [(DMADevice, AccessGroupID) throws -> Void] = [
            { try $0.joinAccessGroup($1, domain: .random(), token: .random()) }, { try $0.leaveAccessGroup($1) },
            { try $0.destroyAccessGroup($1) }, { _ = try $0.accessGroupSize($1) }, { _ = try $0.accessGroupTable($1) },
            { _ = try $0.accessGroupHandler(of: .random(), in: $1) },
            { try $0.joinAccessPairGroup($1, domain: .random(), token: .random()) },
            { try $0.leaveAccessPairGroup($1) }, { try $0.destroyAccessPairGroup($1) },
            { _ = try $0.accessPairGroupHandler(of: .random(), in: $1) }, { _ = try $0.accessGroupWindows($1) },
            { _ = try $0.registerWindow(WindowMemory(address: 0, length: 1), rights: .read, in: $1) },
        ]
        for call in calls {
            let words = refused(.invalidArgument) { try call(plain, 0) }
            #expect(words.contains("inter_process_domain"))
            for group: AccessGroupID in [-1, 8, .max] {
                let words = refused(.invalidArgument) { try call(two.near, group) }
                #expect(words.contains("0 to 7"))
            }
        }
        let others: [() throws -> Void] = [
            { _ = try plain.createAccessGroup(domain: .random(), token: .random()) },
            { _ = try plain.createAccessPairGroup(domain: .random(), token: .random()) },
            { try plain.unregisterWindow(iova: 0) },
        ]
        for call in others { refused(.invalidArgument, call) }
        // Arguments come before the device.
        for device in [plain, two.near] {
            let words = refused(.invalidArgument) {
                try device.createAccessGroup(domain: .random(), token: .random(), limit: 1)
            }
            #expect(words.contains("the minimum is 2"))
        }
        #expect(driver.takeCalls() == [])
    }

    @Test("A driver without access groups refuses with ENOTSUP")
    func notSupported() throws {
        var properties = DeviceProperties.offering(.interOSDomain)
        properties.accessGroupCount = 1
        let device = try DMADevice.alone(RecordingDriver(properties))
        let token = AccessToken.random()
        refused(.notSupported) { try device.createAccessGroup(domain: .random(), token: token) }
        refused(.notSupported) {
            try device.joinAccessPairGroup(0, domain: .random(), token: token)
        }
        refused(.notSupported) { try device.leaveAccessGroup(0) }
        refused(.notSupported) { try device.accessGroupSize(0) }
        refused(.notSupported) { try device.unregisterWindow(iova: 1) }
        #expect(device.view.accessGroups == [])
    }

    @Test("A failed call is noted with the group and the domain, and without a byte of the token")
    func failuresHideTokens() throws {
        let two = try TwoDevices()
        let bytes: [UInt8] = (0..<16).map { 0xB1 &+ $0 &* 5 }
        let token = try #require(bytes.withUnsafeBytes { AccessToken(bytes: $0) })
        let group = try two.near.createAccessGroup(domain: two.domain, token: two.token, limit: 2)
        refused(.permissionDenied) {
            try two.far.joinAccessGroup(group, domain: two.peer, token: token)
        }
        let noted = two.registry.failedCalls()
        #expect(noted.map(\.call) == ["access_group_join"])
        #expect(noted.map(\.errno) == [13])
        for (first, second) in zip(bytes, bytes.dropFirst()) {
            let pair = String(first, radix: 16) + String(second, radix: 16)
            #expect(!"\(noted)".lowercased().contains(pair) && !"\(noted)".contains("\(first), \(second)"))
        }
    }

    @Test("A closed device has left its groups, and refuses all calls")
    func closing() throws {
        let two = try TwoDevices()
        let group = try two.group()
        try two.far.close()
        #expect(try two.near.accessGroupSize(group) == 1)
        refused(.invalidArgument) { try two.far.accessGroupSize(group) }
        refused(.invalidArgument) {
            try two.far.registerEventCallback(AccessGroupCallback { _, _ in }, for: .update)
        }
    }

    @Test("Windows are listed for every member, and checked before the driver sees them")
    func windows() throws {
        let two = try TwoDevices()
        let group = try two.group()
        let memory = WindowMemory(address: 1 << 20, length: 4096)
        let window = try two.far.registerWindow(memory, rights: [.read, .write], in: group)
        #expect(try two.near.accessGroupWindows(group) == [window])
        #expect(try two.near.accessGroupTable(group)[1].windows == [window])
        let wrong: [(WindowMemory, WindowRights)] = [
            (WindowMemory(address: 1, length: 0), .read), (memory, []), (memory, WindowRights(rawValue: 4)),
            (WindowMemory(address: .max, length: 2), .read),
            (WindowMemory(address: 0, length: 2, descriptor: 1, offset: .max), .read),
        ]
        for (memory, rights) in wrong {
            refused(.invalidArgument) {
                try two.far.registerWindow(memory, rights: rights, in: group)
            }
        }
        refused(.invalidArgument) { try two.near.unregisterWindow(iova: window.iova) }
        try two.far.unregisterWindow(iova: window.iova)
        #expect(try two.near.accessGroupWindows(group) == [])
    }

    @Test("A channel's handlers are those of live members of a group of this device, else EINVAL")
    func handlersOfChannels() throws {
        let two = try TwoDevices()
        let group = try two.group()
        let handler = try two.near.accessGroupHandler(of: two.peer, in: group)
        try two.near.configure(DeviceConfiguration(virtualChannelCount: 1))
        func setUp(_ source: DomainHandler, _ destination: DomainHandler) throws(DMAError) {
            let domain = InterDomain(type: .process, sourceHandler: source, destinationHandler: destination)
            try two.near.setUpVirtualChannel(
                0, configuration: VirtualChannelConfiguration(descriptorCount: 8, domain: domain))
        }
        try setUp(handler, 0)
        try setUp(handler, try two.near.accessGroupHandler(of: two.domain, in: group))
        let elsewhere = GroupDevice(two.groups, process: 3)
        let third = try two.registry.add(elsewhere, named: "third")
        let foreign = try third.createAccessGroup(domain: .random(), token: two.token)
        let stranger = try #require(try third.accessGroupTable(foreign).first).handler
        let wrong: [(DomainHandler, DomainHandler)] = [
            (handler, stranger), (stranger, 0), (0, 999), (handler, .max),
        ]
        var words: Set<String> = []
        for (source, destination) in wrong {
            words.insert(refused(.invalidArgument) { try setUp(source, destination) })
        }
        try two.far.leaveAccessGroup(group)
        words.insert(refused(.invalidArgument) { try setUp(handler, 0) })
        // One answer to a stranger's, a dead one, and one that never was.
        #expect(words.count == 1)
    }

    @Test("Handlers ride in an operation's flags where the device has the capability for their kind")
    func operationFlags() throws {
        let both: OperationFlags = [.source(3, of: .process), .destination(0xFFFF, of: .process)]
        #expect(both.rawValue == 0xFFFF_0003_0000_0030)
        #expect(OperationFlags.source(3, of: .operatingSystem).rawValue == 0x0000_0003_0000_0040)
        #expect(OperationFlags.destination(1, of: .operatingSystem).rawValue == 0x0001_0000_0000_0080)
        #expect(OperationFlags.source(3, of: .none).isEmpty)

        let kinds: [(Capabilities, process: Bool, os: Bool)] = [
            ([], false, false), (.interProcessDomain, true, false), (.interOSDomain, false, true),
            ([.interProcessDomain, .interOSDomain], true, true),
        ]
        for (capabilities, process, os) in kinds {
            let two = try TwoDevices(capabilities)
            try two.near.configure(DeviceConfiguration(virtualChannelCount: 1))
            try two.near.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 8))
            try two.near.start()
            let channel = try two.near.virtualChannel(0)
            func takes(_ flags: OperationFlags) -> Bool {
                let before = two.nearDriver.takenFlags.count
                let isTaken = (try? channel.copy(from: 1, to: 2, length: 3, flags: flags)) != nil
                #expect(two.nearDriver.takenFlags.count == before + (isTaken ? 1 : 0))
                if isTaken { #expect(two.nearDriver.takenFlags.last == flags.rawValue) }
                return isTaken
            }
            #expect(takes([.fence, .submit]))
            #expect(takes(both) == process)
            #expect(takes([both, .fence, .submit]) == process)
            #expect(takes(.source(0, of: .process)) == process)
            #expect(takes(.destination(7, of: .operatingSystem)) == os)
            #expect(takes([.source(7, of: .operatingSystem), .destination(7, of: .process)]) == (process && os))
            // A handler without its flag, two kinds on one side, flags that mean nothing.
            for flags: UInt64 in [
                3 << 32, 1 << 48, 0x0001_0003_0000_0010, 0x0003_0003_0000_0020, 0x0000_0003_0000_0050,
                0x0003_0000_0000_00A0, 0x0000_0003_0000_0110, 1 << 31,
            ] { #expect(!takes(OperationFlags(rawValue: flags))) }
            try two.near.stop()
        }
    }
}
