/// A telemetry command that is sent to sources.
package struct SourceCommand: Sendable, Hashable {
    /// The object that a request is about, which decides how often the command is sent.
    enum Scope: Sendable, Hashable {
        /// One request for each process.
        case process
        /// One request for each device; its parameter is the device ID.
        case device
        /// One request for each virtual channel that is set up; its parameters are device ID and channel.
        case vchan
        /// One request for each access group; its parameters are the group ID and the ID of a device in the group.
        case group

        /// The labels that all series of such a command have.
        var labels: [String] {
            switch self {
            case .process: ScrapeSource.labelNames
            case .device: SourceCommand.Scope.process.labels + ["device", "name"]
            case .vchan: SourceCommand.Scope.device.labels + ["vchan"]
            case .group: SourceCommand.Scope.process.labels + ["group"]
            }
        }
    }

    /// For example `/dmadev/info`.
    package let path: String
    let scope: Scope
    /// Parameters that are always sent.
    let parameters: [UInt64]
    /// Whether its parameters are also FIRST and COUNT: the channels of a device are read in parts, with an array of rows
    /// for each part.
    let hasParts: Bool
    /// Members of the reply that only increase. A decrease shows that the counters were reset.
    let monotonicMembers: [String]

    init(
        _ path: String, _ scope: Scope, parameters: [UInt64] = [], hasParts: Bool = false,
        monotonicMembers: [String] = []
    ) {
        self.path = path
        self.scope = scope
        self.parameters = parameters
        self.hasParts = hasParts
        self.monotonicMembers = monotonicMembers
    }

    /// Hashes the path: other commands with the same one are few.
    package func hash(into hasher: inout Hasher) { hasher.combine(path) }

    /// The most channels of a part.
    package static let partCount = 128
}

/// Every command that the metrics or the live page use.
extension SourceCommand {
    /// The paths of all commands of the source.
    static let commandList = SourceCommand("/", .process)
    package static let deviceList = SourceCommand("/dmadev/list", .process)
    package static let deviceInfo = SourceCommand("/dmadev/info", .device)
    package static let channels = SourceCommand("/dmadev/vchans", .device, hasParts: true)
    /// Counters since the device was created.
    package static let counters = SourceCommand(
        "/dmadev/xstats", .vchan, hasParts: true, monotonicMembers: ["submitted", "completed", "errors"])
    /// Counters since the last reset. DPDK's devices have only these.
    package static let statistics = SourceCommand(
        "/dmadev/stats", .vchan, monotonicMembers: ["submitted", "completed", "errors"])
    /// The text of a device, of which only DPDK's is read.
    package static let dump = SourceCommand("/dmadev/dump", .device)
    package static let latency = SourceCommand(
        "/dmadev/latency", .vchan, hasParts: true, monotonicMembers: ["count", "sum_ns"])
    package static let engines = SourceCommand("/dmadev/engines", .process)
    /// Sums by kind, and the first regions.
    package static let memory = SourceCommand("/dmadev/memory", .process)
    package static let groups = SourceCommand("/dmadev/groups", .process)
    package static let group = SourceCommand("/dmadev/group", .group)
    static let controller = SourceCommand(
        "/controller/info", .process, monotonicMembers: ["accepted", "operations", "bytes"])
    /// Only the first ones.
    static let controllerPeers = SourceCommand("/controller/peers", .process, parameters: [0, 0, 256])
    static let controllerDomains = SourceCommand("/controller/domains", .process, parameters: [65535, 0, 256])
    static let server = SourceCommand("/telemetry/stats", .process, monotonicMembers: ["requests", "accepted"])

    /// Only the totals of attachments.
    static let interconnects = SourceCommand(
        "/dmadev/interconnects", .process, parameters: [0], monotonicMembers: ["attached", "detached"])

    /// Only the number of failed calls.
    static let failedCallCount = failedCalls(0)
    /// By kind, since the process started.
    static let groupEventCounts = SourceCommand("/dmadev/event_counts", .process, monotonicMembers: ["joined", "left"])

    /// The totals of attachments, and the first attachments.
    package static func attachments(_ count: Int) -> SourceCommand {
        .init("/dmadev/interconnects", .process, parameters: [UInt64(count)])
    }
    /// The failed calls of the dmadev library, by kind, the most recent first.
    package static func failedCalls(_ count: Int) -> SourceCommand {
        .init("/dmadev/errors", .process, parameters: [UInt64(count)])
    }
    /// The most recent events of access groups.
    package static func groupEvents(_ count: Int) -> SourceCommand {
        .init("/dmadev/events", .process, parameters: [UInt64(count)])
    }
    /// The most recent telemetry requests whose reply was null.
    package static func failedRequests(_ count: Int) -> SourceCommand {
        .init("/telemetry/errors", .process, parameters: [UInt64(count)])
    }
}
