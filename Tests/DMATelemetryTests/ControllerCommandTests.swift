import DMADev
import DMATelemetry
import GroupTestSupport
import TelemetryWire
import Testing

/// What telemetry tells of the controller that the process is.
@Suite struct ControllerCommandTests {
    private let controller = FixedController()
    private let registry = DeviceRegistry()

    private func reply(_ path: String, _ parameters: String? = nil) throws -> JSONTree {
        let commands = DeviceCommands.table(for: registry, controller: controller)
        return try ask(#require(commands.first { $0.path == path }), parameters)
    }

    @Test("A process that is no controller has no commands about one")
    func none() {
        #expect(!DeviceCommands.table(for: registry).contains { $0.path.hasPrefix("/controller/") })
    }

    @Test("Figures, connections and domains are told as the controller reports them")
    func values() throws {
        let info = try reply("/controller/info")
        #expect(info["controller_id"]?.integer == 5 && info["bytes"]?.unsigned == .max)
        let peers = try reply("/controller/peers").elements
        #expect(peers.map { $0["pid"]?.integer } == [4711, 4712])
        #expect(peers[0]["uid"]?.unsigned == 1000 && peers[0]["claimed_doorbells"]?.unsigned == 7)
        #expect(peers[0]["domains"]?.elements.map(\.string) == [FixedController.domain.description])
        #expect(peers[0]["groups"]?.elements.map(\.integer) == [3])
        #expect(peers[0]["dma_bufs"]?.elements.count == 1 && peers[1]["dma_bufs"] == .array([]))
        let buffers = try #require(peers[0]["dma_bufs"]?[0])
        #expect(buffers.keys == ["exporter", "count", "bytes", "stalled"])
        #expect(buffers["exporter"]?.string == "udmabuf" && buffers["count"]?.unsigned == 2)
        #expect(buffers["bytes"]?.unsigned == 8192 && buffers["stalled"]?.unsigned == 1)
        #expect(try reply("/controller/peers", "4712").elements.map { $0["number"]?.integer } == [2])
        #expect(try reply("/controller/peers", "1") == .array([]))
        let domains = try reply("/controller/domains").elements
        #expect(domains.map { $0["read_bytes"]?.unsigned } == [64])
        #expect(domains[0]["domain_id"]?.string == FixedController.domain.description)
        #expect(try reply("/controller/domains", "4") == .array([]))
    }

    @Test("Events are those that the controller has recorded")
    func events() throws {
        let domain = DomainID.random()
        controller.groupEvents.record(
            AccessGroupEvent(
                kind: .denied, group: 3, handler: 0, domain: domain, processID: 4711, userID: 1000))
        controller.groupEvents.record(
            AccessGroupEvent(kind: .destroyed, group: 3, handler: 9, domain: domain, reason: .creatorDied))
        registry.groupEvents.record(AccessGroupEvent(kind: .left, group: 1, handler: 1, domain: domain), device: 0)
        let events = try reply("/dmadev/events").elements
        #expect(events.map { $0["event"]?.string } == ["destroyed", "denied"])
        #expect(events.map { $0["dev_id"]?.integer } == [-1, -1])
        #expect(events.map { $0["reason"]?.string } == ["creator_died", nil])
        #expect(events.map { $0["uid"]?.unsigned } == [nil, 1000])
        let counts = try reply("/dmadev/event_counts")
        #expect(counts["denied"]?.unsigned == 1 && counts["left"]?.unsigned == 0)
    }

    @Test("Groups that the controller holds are told once, with the devices of this process that are in them")
    func groups() throws {
        let held = try reply("/dmadev/groups").elements
        #expect(held.map { $0["group_id"]?.integer } == [3])
        #expect(held.map { $0["devices"] } == [.array([])])
        #expect(try reply("/dmadev/group", "3")["members"]?.elements.count == 1)
        // A device of the same controller, by its number, and its groups.
        let groups = SharedGroups(controllerID: 5)
        let device = try registry.add(GroupDevice(groups, process: 1), named: "dma0")
        for _ in 0..<4 { _ = try device.createAccessGroup(domain: .random(), token: .random()) }
        let all = try reply("/dmadev/groups").elements
        #expect(all.map { $0["group_id"]?.integer } == [0, 1, 2, 3])
        #expect(all.map { $0["devices"] } == Array(repeating: .array([.integer(0)]), count: 4))
    }
}

/// A controller with two connections, one of them in a group.
struct FixedController: ReportingController {
    static let domain = DomainID.random()
    let groupEvents = GroupEventLog()

    func report() -> ControllerReport {
        ControllerReport(
            controllerID: 5, figures: [.init("bytes", .max)],
            connections: [
                .init(
                    number: 1, processID: 4711, userID: 1000, domains: [Self.domain], groups: [3],
                    figures: [.init("claimed_doorbells", 7)],
                    buffers: [.init(exporter: "udmabuf", count: 2, byteCount: 8192, stalledCount: 1)]),
                .init(number: 2, processID: 4712, userID: 0, domains: [], groups: [], figures: []),
            ],
            members: [
                .init(
                    group: 3, handler: 9, domain: Self.domain, processID: 4711,
                    figures: [.init("read_bytes", 64)])
            ],
            groups: [
                AccessGroupInfo(
                    id: 3, kind: .pair,
                    members: [AccessGroupMember(domain: Self.domain, handler: 9, isCreator: true, processID: 4711)])
            ])
    }
}
