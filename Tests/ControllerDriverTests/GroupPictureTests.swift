import ControllerDriver
import DMADev
import DMATelemetry
import Glibc
import LinuxSystem
import TelemetryWire
import TestSupport
import Testing

/// What telemetry of a member shows of its group: never less than the last event.
@Suite struct GroupPictureTests {
    private let host: ControllerHost
    private let registry = DeviceRegistry()
    private let commands: [TelemetryCommand]
    private let token = Token()

    init() throws {
        host = try ControllerHost()
        commands = DeviceCommands.table(for: registry)
    }

    private func add(_ name: String) throws -> DMADevice {
        try registry.add(ControllerDevice(path: host.path), named: name)
    }

    private func reply(_ path: String, _ parameters: String? = nil) throws -> JSONTree {
        let command = try #require(commands.first { $0.path == path })
        return try command.handler(TelemetryRequest(path + (parameters.map { ",\($0)" } ?? ""))).tree
    }

    /// Waits for the next event and reads the group at once.
    private func membersAfter(_ event: String, number: UInt64, of group: AccessGroupID) throws -> [JSONTree] {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let last = try reply("/dmadev/events", "1")[0]
            if last?["number"]?.unsigned == number {
                let members = try reply("/dmadev/group", "\(group)")["members"]?.elements ?? []
                #expect(last?["event"]?.string == event)
                return members
            }
            guard ContinuousClock.now < deadline else { throw TestSupportError("no \(event): \(last ?? .null)") }
        }
    }

    private func windows(_ member: JSONTree?) -> [UInt64?] {
        member?["windows"]?.elements.map { $0["iova"]?.unsigned } ?? []
    }

    @Test func afterEachEventTheOthersAreShownAsTheyAre() throws {
        let device = try add("reader")
        let domain = DomainID.random()
        let secret = try #require(token.secret)
        let group = try device.createAccessGroup(domain: domain, token: secret)
        #expect(try reply("/dmadev/group", "\(group)")["members"]?[0]?["pid"]?.integer == Int64(getpid()))
        var number: UInt64 = 0
        for _ in 0..<20 {
            let other = try MemberProcess(host.path)
            // The commands are sent without a wait for what comes of them.
            other.tell("join \(group) \(token.hex)")
            number += 1
            var member = try membersAfter("joined", number: number, of: group).last
            #expect(member?["pid"]?.integer == Int64(other.program.processID))
            #expect(member?["devices"]?.elements.map(\.integer) == [0])
            #expect(member?["handler"]?.unsigned == UInt64(try other.line()))
            var opened: [UInt64] = []
            for page in 0..<3 {
                other.tell("window \(group) 1 \(page) 1")
                number += 1
                member = try membersAfter("window_opened", number: number, of: group).last
                opened.append(try #require(UInt64(try other.line())))
                #expect(windows(member) == opened)
                #expect(member?["windows"]?[page]?["length"]?.unsigned == 4096)
            }
            other.tell("close-window \(opened[1])")
            number += 1
            member = try membersAfter("window_closed", number: number, of: group).last
            #expect(windows(member) == [opened[0], opened[2]])
            #expect(try other.line() == "ok")
            #expect(try device.accessGroupTable(group) == device.view.accessGroups.first?.members)
            try other.kill()
            number += 1
            #expect(try membersAfter("left", number: number, of: group).count == 1)
        }
    }

    @Test func ownWindowsAreShownAtOnce() throws {
        let driver = try ControllerDevice(path: host.path)
        let device = try registry.add(driver, named: "own")
        let group = try device.createAccessGroup(domain: .random(), token: .random())
        let buffer = try driver.memory.allocate(byteCount: 8192)
        let memory = WindowMemory(address: UInt64(UInt(bitPattern: buffer.bytes.baseAddress)), length: 8192)
        let window = try device.registerWindow(memory, rights: .read, in: group)
        #expect(windows(try reply("/dmadev/group", "\(group)")["members"]?[0]) == [window.iova])
        try device.unregisterWindow(iova: window.iova)
        #expect(windows(try reply("/dmadev/group", "\(group)")["members"]?[0]) == [])
    }

    /// A member that reads a group of which others open and close windows meanwhile, misses none of it.
    @Test func changesDuringAReadAreNotLost() throws {
        let (reader, writer) = (try add("reader"), try ControllerDevice(path: host.path))
        let opener = try registry.add(writer, named: "opener")
        let secret = try #require(token.secret)
        let group = try opener.createAccessGroup(domain: .random(), token: secret)
        try reader.joinAccessGroup(group, domain: .random(), token: secret)
        let buffer = try writer.memory.allocate(byteCount: 8192)
        let memory = WindowMemory(address: UInt64(UInt(bitPattern: buffer.bytes.baseAddress)), length: 4096)
        let isDone = Locked(false)
        let thread = try SystemThread.start(name: "reader") {
            while !isDone.withLock({ $0 }) { _ = try? reader.accessGroupTable(group) }
        }
        var open: [UInt64] = []
        for _ in 0..<300 {
            open.append(try opener.registerWindow(memory, rights: .read, in: group).iova)
            if open.count > 3 { try opener.unregisterWindow(iova: open.removeFirst()) }
        }
        isDone.withLock { $0 = true }
        thread.join()
        // After the answer to this request, the reader has received all that was sent before.
        _ = try? reader.accessGroupSize(group)
        let seen = try #require(reader.view.accessGroups.first).members
        #expect(seen.first?.windows.map(\.iova) == open)
        #expect(try reader.accessGroupTable(group) == seen)
    }

    @Test func everyDeviceOfADomainHearsOfTheEndAndForgets() throws {
        let (first, second) = (try add("first"), try add("second"))
        let domain = DomainID.random()
        let calls = Locked<[AccessGroupEvent]>([])
        let callback = AccessGroupCallback { _, event in calls.withLock { $0.append(event) } }
        func called(_ count: Int) throws {
            let deadline = ContinuousClock.now + .seconds(60)
            while calls.withLock({ $0.count }) < count {
                guard ContinuousClock.now < deadline else { throw TestSupportError("\(count) calls") }
                sched_yield()
            }
        }
        let secret = try #require(token.secret)
        let pair = try first.createAccessPairGroup(domain: domain, token: secret)
        try second.joinAccessPairGroup(pair, domain: domain, token: secret, callback: callback)
        #expect(throws: DMAError.self) { try second.destroyAccessPairGroup(pair) }
        #expect(try first.accessGroupTable(pair).map(\.devices) == [[first.id, second.id]])
        #expect(first.view.accessGroups.first?.members.map(\.devices) == [[first.id, second.id]])
        try first.destroyAccessPairGroup(pair)
        try called(1)
        #expect(calls.withLock { $0.map(\.reason) } == [.destroyed])
        #expect(second.view.accessGroups == [])
        #expect(throws: DMAError.self) { try second.leaveAccessPairGroup(pair) }

        // The creating device closes while the other one is still there.
        let next = try first.createAccessPairGroup(domain: domain, token: secret)
        try second.joinAccessPairGroup(next, domain: domain, token: secret, callback: callback)
        try first.close()
        try called(2)
        #expect(calls.withLock { $0.last?.reason } == .creatorDied)
        #expect(second.view.accessGroups == [])

        // The number again, as another group: of the old ones nothing is left.
        let third = try add("third")
        while true {
            let group = try third.createAccessPairGroup(domain: domain, token: secret)
            if group == pair {
                try second.joinAccessPairGroup(group, domain: .random(), token: secret)
                try second.leaveAccessPairGroup(group)
                try second.joinAccessPairGroup(group, domain: .random(), token: secret)
                try third.close()
                break
            }
            try third.destroyAccessPairGroup(group)
        }
        while !second.view.accessGroups.isEmpty { sched_yield() }
        #expect(calls.withLock { $0.count } == 2)
    }
}

extension Token {
    /// The token as the library takes it.
    fileprivate var secret: AccessToken? { bytes.withUnsafeBytes { AccessToken(bytes: $0) } }
}
