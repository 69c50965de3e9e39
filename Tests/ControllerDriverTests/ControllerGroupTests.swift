import ControllerDriver
import DMADev
import Glibc
import SystemPackage
import TestSupport
import Testing

/// Two devices of a controller, whose owners reach each other's memory only through a group.
@Suite struct ControllerGroupTests {
    /// A device with a window's worth of memory of its own.
    private final class Member {
        let driver: ControllerDevice
        let device: DMADevice
        let buffer: SharedBuffer
        let domain = DomainID.random()
        var handler: DomainHandler = 0
        let iova: UInt64

        init(_ path: String) throws {
            driver = try ControllerDevice(path: path)
            device = try DeviceRegistry().add(driver, named: "dma")
            buffer = try driver.memory.allocate(byteCount: 8192)
            iova = try device.mapMemory(buffer.bytes)
        }

        func start(_ domain: InterDomain = .none) throws {
            try device.stop()
            try device.configure(DeviceConfiguration(virtualChannelCount: 1))
            try device.setUpVirtualChannel(
                0, configuration: VirtualChannelConfiguration(descriptorCount: 64, domain: domain))
            try device.start()
        }

        func window(_ group: AccessGroupID, _ rights: WindowRights) throws -> DomainWindow {
            let address = UInt64(UInt(bitPattern: buffer.bytes.baseAddress))
            return try device.registerWindow(
                WindowMemory(address: address, length: 8192), rights: rights, in: group)
        }

        /// Copies, and says how it ended.
        func copy(from source: UInt64, to destination: UInt64, _ flags: OperationFlags = []) throws -> CompletionStatus
        {
            let channel = try device.virtualChannel(0)
            try channel.copy(from: source, to: destination, length: 8, flags: flags.union(.submit))
            return try end(channel)
        }

        func end(_ channel: VirtualChannel) throws -> CompletionStatus {
            var status = [CompletionStatus(rawValue: 0xDEAD)]
            while try status.withUnsafeMutableBufferPointer({ try channel.completedStatus(into: $0).count }) == 0 {
                sched_yield()
            }
            return status[0]
        }

        func put(_ value: UInt64, at offset: Int = 0) {
            buffer.bytes.storeBytes(of: value, toByteOffset: offset, as: UInt64.self)
        }
        func value(at offset: Int = 0) -> UInt64 { buffer.bytes.load(fromByteOffset: offset, as: UInt64.self) }
    }

    private let host: ControllerHost

    init() throws {
        host = try ControllerHost()
    }

    private func errno(_ body: () throws -> Void) -> Errno? {
        do {
            try body()
            return nil
        } catch {
            return (error as? DMAError)?.errno ?? (error as? OperationError)?.errno
        }
    }

    private func handlers(source: DomainHandler = 0, destination: DomainHandler = 0) -> OperationFlags {
        var flags: OperationFlags = []
        if source != 0 { flags.insert(.source(source, of: .process)) }
        if destination != 0 { flags.insert(.destination(destination, of: .process)) }
        return flags
    }

    /// Two members of a group; the first one made it.
    private func pair() throws -> (group: AccessGroupID, first: Member, second: Member) {
        let (first, second) = (try Member(host.path), try Member(host.path))
        let token = AccessToken.random()
        let group = try first.device.createAccessGroup(domain: first.domain, token: token)
        first.handler = try first.device.accessGroupHandler(of: first.domain, in: group)
        #expect(
            errno {
                try second.device.joinAccessGroup(group, domain: second.domain, token: .random())
            } == .permissionDenied)
        second.handler = try second.device.joinAccessGroup(group, domain: second.domain, token: token)
        return (group, first, second)
    }

    @Test func membersMoveMemoryBetweenEachOtherAndOthersDoNot() throws {
        let (group, first, second) = try pair()
        #expect(try first.device.accessGroupSize(group) == 2)
        #expect(try second.device.accessGroupTable(group).map(\.handler) == [first.handler, second.handler])
        let window = try first.window(group, [.read, .write])
        #expect(try second.device.accessGroupWindows(group) == [window])

        // By the channel: read from the peer.
        try second.start(InterDomain(type: .process, sourceHandler: first.handler))
        first.put(0x1234)
        #expect(try second.copy(from: window.iova, to: second.iova) == .successful)
        #expect(second.value() == 0x1234)
        #expect(try second.copy(from: window.iova + 8192 - 7, to: second.iova) == .invalidSourceAddress)
        #expect(try second.copy(from: first.iova, to: second.iova) == .invalidSourceAddress)

        // What an operation says goes before that: 0 is local.
        second.put(0x4321, at: 512)
        #expect(try second.copy(from: second.iova + 512, to: second.iova, .source(0, of: .process)) == .successful)
        #expect(second.value() == 0x4321)

        // By the operation: write to the peer, read from it, fill it.
        try second.start()
        second.put(0x5678)
        #expect(
            try second.copy(from: second.iova, to: window.iova + 64, handlers(destination: first.handler))
                == .successful)
        #expect(first.value(at: 64) == 0x5678)
        #expect(
            try second.copy(
                from: window.iova + 64, to: window.iova + 128,
                handlers(source: first.handler, destination: first.handler)) == .successful)
        #expect(first.value(at: 128) == 0x5678)
        let channel = try second.device.virtualChannel(0)
        try channel.fill(
            window.iova + 256, pattern: 0xAB, length: 8, flags: handlers(destination: first.handler).union(.submit))
        #expect(try second.end(channel) == .successful)
        #expect(first.value(at: 256) == 0xAB)
        // Without a handler the window is nobody's address.
        #expect(try second.copy(from: window.iova, to: second.iova) == .invalidSourceAddress)
        // The own handler is local.
        #expect(
            try second.copy(
                from: second.iova, to: second.iova + 8, handlers(source: second.handler, destination: second.handler))
                == .successful)

        // A stranger, with the right numbers.
        let stranger = try Member(host.path)
        try stranger.start()
        #expect(
            try stranger.copy(from: window.iova, to: stranger.iova, handlers(source: first.handler))
                == .invalidSourceAddress)
        #expect(
            errno { try stranger.start(InterDomain(type: .process, sourceHandler: first.handler)) } == .invalidArgument)
        #expect(errno { _ = try stranger.device.accessGroupSize(group) } == .permissionDenied)
    }

    @Test func rightsHold() throws {
        let (group, first, second) = try pair()
        let readable = try first.window(group, .read)
        let writable = try first.window(group, .write)
        try second.start()
        let named = (from: handlers(source: first.handler), to: handlers(destination: first.handler))
        #expect(try second.copy(from: readable.iova, to: second.iova, named.from) == .successful)
        #expect(try second.copy(from: second.iova, to: readable.iova, named.to) == .invalidDestinationAddress)
        #expect(try second.copy(from: second.iova, to: writable.iova, named.to) == .successful)
        #expect(try second.copy(from: writable.iova, to: second.iova, named.from) == .invalidSourceAddress)
        try first.device.unregisterWindow(iova: readable.iova)
        #expect(try second.copy(from: readable.iova, to: second.iova, named.from) == .invalidSourceAddress)
        #expect(errno { try first.device.unregisterWindow(iova: readable.iova) } == .invalidArgument)
    }

    @Test func afterALeaveNothingIsReached() throws {
        let (group, first, second) = try pair()
        let window = try second.window(group, [.read, .write])
        try first.start()
        let named = handlers(destination: second.handler)
        #expect(try first.copy(from: first.iova, to: window.iova, named) == .successful)
        // Work is under way when the member goes.
        let channel = try first.device.virtualChannel(0)
        for _ in 0..<60 { try channel.copy(from: first.iova, to: window.iova, length: 8192, flags: named) }
        try channel.submit()
        try second.device.leaveAccessGroup(group)
        for offset in stride(from: 0, to: 8192, by: 8) { second.put(7, at: offset) }
        var statuses: [CompletionStatus] = []
        while statuses.count < 60 { statuses.append(try first.end(channel)) }
        #expect(statuses.drop { $0 == .successful }.allSatisfy { $0 == .userAbort })
        #expect(stride(from: 0, to: 8192, by: 8).allSatisfy { second.value(at: $0) == 7 })
        #expect(try first.copy(from: first.iova, to: window.iova, named) == .userAbort)
        #expect(
            errno { try first.start(InterDomain(type: .process, destinationHandler: second.handler)) }
                == .invalidArgument)
        #expect(errno { try first.device.leaveAccessGroup(group) } == .notPermitted)
        try first.device.destroyAccessGroup(group)
        #expect(errno { _ = try first.device.accessGroupSize(group) } == .permissionDenied)
    }

    @Test func whoDiesHasLeftAndTheOthersHearOfIt() throws {
        let (group, first, second) = try pair()
        let window = try second.window(group, .read)
        try first.start()
        let named = handlers(source: second.handler)
        second.put(9)
        #expect(try first.copy(from: window.iova, to: first.iova, named) == .successful)
        #expect(first.value() == 9)
        // The connection is what a process's end leaves of it.
        try second.device.stop()
        try second.device.close()
        while try first.device.accessGroupSize(group) != 1 { sched_yield() }
        #expect(try first.copy(from: window.iova, to: first.iova, named) == .userAbort)
        while first.device.view.accessGroups.first?.members.count != 1 { sched_yield() }
    }

    @Test func processesThatAreKilledHaveLeftAndNothingOfThemIsReached() throws {
        let first = try Member(host.path)
        try first.start()
        let digits = Array("sixteen bytes...".utf8)
        let token = try #require(digits.withUnsafeBytes { AccessToken(bytes: $0) })
        let group = try first.device.createAccessGroup(domain: first.domain, token: token)
        var seen: Set<DomainHandler> = []
        for round in 0..<10 {
            let program = try RunningProgram(
                builtProduct("controller-application"), [host.path, "member", "\(group)", "sixteen bytes..."])
            let words = try program.nextLine().split(separator: " ")
            let handler = try #require(words.first.flatMap { DomainHandler($0) })
            let iova = try #require(words.last.flatMap { UInt64($0) })
            #expect(seen.insert(handler).inserted, "a number that came back at once")
            #expect(try first.copy(from: iova, to: first.iova, handlers(source: handler)) == .successful)
            #expect(first.value() == UInt64(handler) &* 0x0101)
            // In the middle of work on its memory.
            let channel = try first.device.virtualChannel(0)
            for _ in 0..<60 {
                try channel.copy(
                    from: iova, to: iova + (1 << 20), length: 1 << 20,
                    flags: handlers(source: handler, destination: handler))
            }
            try channel.submit()
            program.kill(SIGKILL)
            try program.wait()
            var statuses: [CompletionStatus] = []
            while statuses.count < 60 { statuses.append(try first.end(channel)) }
            #expect(statuses.drop { $0 == .successful }.allSatisfy { $0 == .userAbort }, "round \(round)")
            while try first.device.accessGroupSize(group) != 1 { sched_yield() }
            #expect(try first.copy(from: iova, to: first.iova, handlers(source: handler)) == .userAbort)
        }
        try first.device.destroyAccessGroup(group)
    }
}
