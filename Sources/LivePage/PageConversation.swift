import LinuxSystem
import TelemetryClient
import TelemetryWire

/// Asks one source for what the page shows of it. What a source does not offer is missing in the result.
final class PageConversation: TelemetryConversation {
    private enum Step {
        case offers
        case devices
        case info(UInt64)
        case channels(Device)
        case counters(Device, channel: Int, command: String)
        case latency(Device, channel: Int)
        case groups
        case group(place: Int, id: UInt64, device: UInt64?)
        case recent(name: String, command: String, fields: PageFields)

        var request: String {
            switch self {
            case .offers: "/"
            case .devices: "/dmadev/list"
            case .info(let id): "/dmadev/info,\(id)"
            case .channels(let device): "/dmadev/vchans,\(device.id)"
            case .counters(let device, let channel, let command): "\(command),\(device.id),\(channel)"
            case .latency(let device, let channel): "/dmadev/latency,\(device.id),\(channel)"
            case .groups: "/dmadev/groups"
            case .group(_, let id, let device): "/dmadev/group,\(id)" + (device.map { ",\($0)" } ?? "")
            case .recent(_, let command, _): "\(command),\(PageFields.recentLimit)"
            }
        }
    }

    private final class Device {
        let id: UInt64
        let members: [JSONTree.Member]
        /// By the channels' numbers, from 0 on.
        var channels: [[JSONTree.Member]]

        init(id: UInt64, members: [JSONTree.Member], channelCount: Int) {
            self.id = id
            self.members = members
            channels = (0..<channelCount).map { [.init("vchan", .count(UInt64($0)))] }
        }
    }

    /// What the source said of itself; `nil` until it did.
    private(set) var greeting: TelemetryGreeting?

    private var offered: Set<String> = []
    /// What is still to be asked, the next one last.
    private var steps = [Step.offers]
    private var current: Step?
    private var devices: [Device] = []
    private var channelCount = 0
    private var groups: [[JSONTree.Member]] = []
    private var recent: [JSONTree.Member] = []
    private var omitted = (devices: 0, channels: 0, groups: 0)

    /// All that the source told.
    var members: [JSONTree.Member] {
        let rows = devices.map { device in
            JSONTree.object(device.members + [.init("vchans", .array(device.channels.map(JSONTree.object)))])
        }
        return [
            .init("has_dmadev", .bool(offered.contains(Step.devices.request))),
            .init("devices", .array(rows)),
            .init("groups", .array(groups.map(JSONTree.object))),
        ] + recent + [
            .init("omitted_devices", .count(UInt64(omitted.devices))),
            .init("omitted_vchans", .count(UInt64(omitted.channels))),
            .init("omitted_groups", .count(UInt64(omitted.groups))),
        ]
    }

    func begin(_ greeting: TelemetryGreeting, peer: PeerCredentials) {
        self.greeting = greeting
    }

    func nextRequest() -> String? {
        current = steps.popLast()
        return current?.request
    }

    func take(_ reply: JSONTree, to request: String) {
        switch current {
        case .offers?: plan(Set(reply.elements.compactMap(\.string)))
        case .devices?:
            // A device id is an int16.
            let ids = Set(reply.elements.compactMap(\.unsigned).filter { $0 <= UInt64(Int16.max) }).sorted()
            omitted.devices = max(ids.count - PageFields.deviceLimit, 0)
            steps += ids.prefix(PageFields.deviceLimit).reversed().map { .info($0) }
        case .info(let id)?: addDevice(id, reply)
        case .channels(let device)?:
            for row in reply.elements {
                guard let number = row["vchan"]?.unsigned, number < device.channels.count else { continue }
                device.channels[Int(number)] += row.members(PageFields.channel)
            }
            askForCounters(device, missing: reply)
        case .counters(let device, let channel, _)?:
            device.channels[channel] += [
                .init("counters", .object(reply.members(PageFields.counters))),
                .init("read_ns", .count(MonotonicTime.now.nanoseconds)),
            ]
        case .latency(let device, let channel)?:
            guard reply != .null else { return }
            let buckets = reply["buckets"]?.rows(PageFields.bucket, limit: PageFields.bucketLimit) ?? .array([])
            let latency = reply.members(PageFields.latency) + [.init("buckets", buckets)]
            device.channels[channel].append(.init("latency", .object(latency)))
        case .groups?: addGroups(reply.elements)
        case .group(let place, _, _)?:
            let members = reply["members"]?.elements.prefix(PageFields.memberLimit).map(Self.member) ?? []
            groups[place].append(.init("members", .array(members)))
        case .recent(let name, _, let fields)?:
            recent.append(.init(name, reply.rows(fields, limit: PageFields.recentLimit)))
        case nil: break
        }
    }

    private func plan(_ offered: Set<String>) {
        self.offered = offered
        let lists = [
            ("refusals", "/telemetry/errors", PageFields.refusal),
            ("failed_calls", "/dmadev/errors", PageFields.failedCall),
            ("events", "/dmadev/events", PageFields.event),
        ]
        steps = lists.filter { offered.contains($0.1) }.map { .recent(name: $0.0, command: $0.1, fields: $0.2) }
        if offered.contains(Step.groups.request) { steps.append(.groups) }
        if offered.contains(Step.devices.request) { steps.append(.devices) }
    }

    private func addDevice(_ id: UInt64, _ reply: JSONTree) {
        // Null: it has gone meanwhile.
        guard reply != .null else { return }
        let count = Int(min(reply["nb_vchans"]?.unsigned ?? 0, UInt64(UInt16.max)))
        let shown = min(count, PageFields.channelLimit - channelCount)
        omitted.channels += count - shown
        channelCount += shown
        let able = reply["capabilities"]?.members.filter { $0.value.unsigned == 1 }.prefix(64) ?? []
        let device = Device(
            id: id,
            members: [.init("id", .count(id))] + reply.members(PageFields.device) + [
                .init("capabilities", .array(able.map { .text($0.name) }))
            ], channelCount: shown)
        devices.append(device)
        if offered.contains("/dmadev/vchans") {
            steps.append(.channels(device))
        } else {
            askForCounters(device, missing: .null)
        }
    }

    /// A channel that is not set up has no counters, and a question would be an error of the source's.
    private func askForCounters(_ device: Device, missing rows: JSONTree) {
        let missing = Set(rows.elements.filter { $0["nb_desc"] == nil }.compactMap { $0["vchan"]?.unsigned })
        let command = ["/dmadev/xstats", "/dmadev/stats"].first(where: offered.contains)
        for channel in device.channels.indices.reversed() where !missing.contains(UInt64(channel)) {
            if offered.contains("/dmadev/latency") { steps.append(.latency(device, channel: channel)) }
            if let command { steps.append(.counters(device, channel: channel, command: command)) }
        }
    }

    private func addGroups(_ rows: [JSONTree]) {
        omitted.groups = max(rows.count - PageFields.groupLimit, 0)
        let shown = rows.prefix(PageFields.groupLimit)
        groups = shown.map { row in
            row.members(PageFields.group) + [
                .init("devices", (row["devices"] ?? .null).scalars(limit: PageFields.memberLimit))
            ]
        }
        guard offered.contains("/dmadev/group") else { return }
        for (place, row) in shown.enumerated().reversed() {
            guard let id = row["group_id"]?.unsigned else { continue }
            steps.append(.group(place: place, id: id, device: row["devices"]?[0]?.unsigned))
        }
    }

    private static func member(_ row: JSONTree) -> JSONTree {
        let windows = row["windows"]?.elements ?? []
        let bytes = windows.reduce(UInt64(0)) { $0 &+ ($1["length"]?.unsigned ?? 0) }
        return .object(
            row.members(PageFields.member) + [
                .init("devices", (row["devices"] ?? .null).scalars(limit: PageFields.memberLimit)),
                .init("windows", .count(UInt64(windows.count))),
                .init("window_bytes", .count(bytes)),
            ])
    }
}
