import DMADev
import DMATelemetry
import GroupTestSupport
import TelemetryWire
import Testing

/// What telemetry tells of access groups.
@Suite struct AccessGroupCommandTests {
    let registry = DeviceRegistry()
    let groups = SharedGroups()

    private func reply(_ path: String, _ parameters: String? = nil) throws -> JSONTree {
        let command = try #require(DeviceCommands.table(for: registry).first { $0.path == path })
        return try ask(command, parameters)
    }

    private func add(_ process: UInt64, _ groups: SharedGroups, _ name: String) throws -> DMADevice {
        try registry.add(GroupDevice(groups, process: process), named: name)
    }

    @Test("Without groups there are none, and no events")
    func nothing() throws {
        #expect(try reply("/dmadev/groups") == .array([]))
        #expect(try reply("/dmadev/events") == .array([]))
        _ = try add(1, groups, "near")
        #expect(try reply("/dmadev/groups", "0") == .array([]))
        #expect(throws: TelemetryCommandError.self) { try reply("/dmadev/group", "0") }
        #expect(throws: TelemetryCommandError.self) { try reply("/dmadev/groups", "1") }
    }

    @Test("Groups, members, windows and events are told as they are, and no token")
    func values() throws {
        let (near, far) = (try add(1, groups, "near"), try add(2, groups, "far"))
        let bytes: [UInt8] = (0..<16).map { 0xC1 &+ $0 &* 3 }
        let token = try #require(bytes.withUnsafeBytes { AccessToken(bytes: $0) })
        let (domain, peer) = (DomainID.random(), DomainID.random())
        let first = try near.createAccessPairGroup(domain: domain, token: token)
        let second = try near.createAccessGroup(domain: domain, token: token, limit: 5)
        let handler = try far.joinAccessGroup(second, domain: peer, token: token)
        let window = try far.registerWindow(WindowMemory(address: 4096, length: 8192), rights: .read, in: second)

        let list = try reply("/dmadev/groups").elements
        #expect(list.map { $0["group_id"]?.integer } == [0, 1])
        #expect(list.map { $0["kind"]?.string } == ["pair", "group"])
        #expect(list.map { $0["size"]?.integer } == [1, 2])
        #expect(list.map { $0["limit"]?.integer } == [2, 5])
        #expect(list.map { $0["controller_id"]?.integer } == [5, 5])
        #expect(list.map { $0["creator"]?.string } == [domain.description, domain.description])
        // One line a group, though two devices of this process are in it.
        #expect(list.map { $0["devices"]?.elements.map(\.integer) } == [[0], [0, 1]])
        #expect(try reply("/dmadev/groups", "1").elements.map { $0["group_id"]?.integer } == [1])
        #expect(first == 0)

        let group = try reply("/dmadev/group", "1")
        let members = try #require(group["members"]?.elements)
        #expect(members.map { $0["domain_id"]?.string } == [domain.description, peer.description])
        #expect(members.map { $0["creator"]?.integer } == [1, 0])
        #expect(members.map { $0["pid"]?.integer } == [1, 2])
        #expect(members[1]["handler"]?.unsigned == UInt64(handler))
        let told = try #require(members[1]["windows"]?.elements)
        #expect(told.map { $0["iova"]?.unsigned } == [window.iova])
        #expect(told.map { $0["length"]?.unsigned } == [8192])
        #expect(told.map { $0["read"]?.integer } == [1] && told.map { $0["write"]?.integer } == [0])
        #expect(throws: TelemetryCommandError.self) { try reply("/dmadev/group", "0,1") }
        #expect(throws: TelemetryCommandError.self) { try reply("/dmadev/group", "7") }

        try far.leaveAccessGroup(second)
        let events = try reply("/dmadev/events").elements
        #expect(events.map { $0["event"]?.string } == ["left", "window_opened", "joined"])
        #expect(events.map { $0["dev_id"]?.integer } == [0, 0, 0])
        #expect(events.allSatisfy { $0["domain_id"]?.string == peer.description && $0["pid"]?.integer == 2 })
        #expect(events.map { $0["iova"]?.unsigned } == [nil, window.iova, nil])
        #expect(events.map { $0["length"]?.unsigned } == [nil, 8192, nil])
        let counts = try reply("/dmadev/event_counts")
        #expect(counts.keys == AccessGroupEvent.Kind.allCases.map(\.name))
        #expect(counts["left"]?.unsigned == 1 && counts["denied"]?.unsigned == 0)
        #expect(try reply("/dmadev/events", "1").elements.count == 1)
        #expect(throws: DMAError.self) { try far.joinAccessGroup(second, domain: peer, token: .random()) }
        let everything = try ["/dmadev/groups", "/dmadev/group", "/dmadev/events", "/dmadev/errors"].map {
            "\(try reply($0, $0 == "/dmadev/group" ? "1" : nil))".lowercased()
        }
        for (one, next) in zip(bytes, bytes.dropFirst()) {
            let pair = String(one, radix: 16) + String(next, radix: 16)
            #expect(everything.allSatisfy { !$0.contains(pair) && !$0.contains("\(one), \(next)") })
        }
    }

    @Test("Groups of two controllers stay apart, though their numbers are the same")
    func twoControllers() throws {
        let others = SharedGroups(controllerID: 6)
        let (near, other) = (try add(1, groups, "near"), try add(1, others, "other"))
        for device in [near, other] { _ = try device.createAccessGroup(domain: .random(), token: .random()) }
        let list = try reply("/dmadev/groups").elements
        #expect(list.map { $0["group_id"]?.integer } == [0, 0])
        #expect(list.map { $0["controller_id"]?.integer } == [5, 6])
        #expect(try reply("/dmadev/group", "0,1")["controller_id"]?.integer == 6)
    }
}
