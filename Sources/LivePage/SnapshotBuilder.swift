import LinuxSystem
import MetricsExporter
import TelemetryClient
import TelemetryWire

/// Builds the part of a snapshot that is about one source. What the source does not offer is absent.
final class SnapshotBuilder: SourceVisitor {
    private typealias Row = [JSONTree.Member]

    static let limits = PageFields.limits

    /// The lists of recent events and errors.
    private static let lists: [(name: String, command: SourceCommand, fields: PageFields)] = [
        ("events", .groupEvents(PageFields.recentLimit), .event),
        ("failed_calls", .failedCalls(PageFields.recentLimit), .failedCall),
        ("failed_requests", .failedRequests(PageFields.recentLimit), .failedRequest),
    ]

    private static let attachments = SourceCommand.attachments(PageFields.memoryLimit)

    /// Each device: its members, and its channels by number, from 0.
    private var devices: [(members: Row, channels: [Row])] = []
    private var groups: [Row] = []
    private var memory: Row = []
    private var recent: Row = []

    /// The members of the process in the snapshot, after the last reply.
    func members(of answer: SourceWalk<SnapshotBuilder>) -> [JSONTree.Member] {
        let rows = devices.map { device in
            JSONTree.object(device.members + [.init("vchans", .array(device.channels.map(JSONTree.object)))])
        }
        return [
            .init("has_dmadev", .bool(answer.offered.contains(SourceCommand.deviceList.path))),
            .init("devices", .array(rows)),
            .init("groups", .array(groups.map(JSONTree.object))),
        ] + memory + recent + [
            .init("omitted_devices", .count(UInt64(answer.omitted.devices))),
            .init("omitted_vchans", .count(UInt64(answer.omitted.channels))),
            .init("omitted_groups", .count(UInt64(answer.omitted.groups))),
        ]
    }

    func selectCommands(from offered: Set<String>, process: (id: Int64, visibleID: Int32?)) -> [SourceCommand] {
        let counters: SourceCommand = offered.contains(SourceCommand.counters.path) ? .counters : .statistics
        return [.channels, counters, .latency, .groups, .group, .memory, Self.attachments] + Self.lists.map(\.command)
    }

    func take(_ reply: JSONTree, to request: SourceRequest) {
        switch request.command {
        case .deviceInfo: addDevice(request.device, reply)
        case .channels:
            for row in reply.elements {
                guard let number = row["vchan"]?.unsigned.flatMap(Int.init(exactly:)) else { continue }
                add(row.members(PageFields.channel), to: number)
            }
        case .counters, .statistics:
            add(
                [
                    .init("counters", .object(reply.members(PageFields.counters))),
                    .init("read_ns", .count(MonotonicTime.now.nanoseconds)),
                ], to: request.index)
        case .latency:
            guard reply != .null else { return }
            let buckets = reply["buckets"]?.rows(PageFields.bucket, limit: PageFields.bucketLimit) ?? .array([])
            let latency = reply.members(PageFields.latency) + [.init("buckets", buckets)]
            add([.init("latency", .object(latency))], to: request.index)
        case .groups:
            groups = reply.elements.prefix(Self.limits.groups).map { row in
                row.members(PageFields.group) + [Self.devices(of: row)]
            }
        case .group:
            let members = reply["members"]?.elements.prefix(PageFields.memberLimit).map(Self.member) ?? []
            groups[request.index].append(.init("members", .array(members)))
        case .memory where reply != .null:
            memory.append(.init("memory", Self.memory(reply)))
        case Self.attachments where reply != .null:
            memory.append(.init("interconnects", Self.interconnects(reply)))
        default:
            guard let list = Self.lists.first(where: { $0.command == request.command }) else { return }
            // The reply to `/dmadev/errors` has its rows in a member.
            let rows = (reply["calls"] ?? reply).rows(list.fields, limit: PageFields.recentLimit)
            recent.append(.init(list.name, rows))
        }
    }

    private func addDevice(_ device: SourceDevice?, _ reply: JSONTree) {
        guard let device else { return }
        let capabilities = reply["capabilities"]?.members.filter { $0.value.unsigned == 1 }.prefix(64) ?? []
        devices.append(
            (
                members: [.init("id", .count(device.id))] + reply.members(PageFields.device) + [
                    .init("capabilities", .array(capabilities.map { .text($0.name) }))
                ],
                channels: (0..<device.channelCount).map { [.init("vchan", .count(UInt64($0)))] }
            ))
    }

    /// Adds members to a channel of the current device, which is the last one.
    private func add(_ members: Row, to channel: Int) {
        guard let last = devices.indices.last, devices[last].channels.indices.contains(channel) else { return }
        devices[last].channels[channel] += members
    }

    private static func devices(of row: JSONTree) -> JSONTree.Member {
        .init("devices", (row["devices"] ?? .null).scalars(limit: PageFields.memberLimit))
    }

    private static func member(_ row: JSONTree) -> JSONTree {
        let windows = row["windows"]?.elements ?? []
        let bytes = windows.reduce(UInt64(0)) { $0 &+ ($1["length"]?.unsigned ?? 0) }
        return .object(
            row.members(PageFields.member) + [
                devices(of: row), .init("windows", .count(UInt64(windows.count))), .init("window_bytes", .count(bytes)),
            ])
    }
}
