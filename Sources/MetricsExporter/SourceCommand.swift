/// A telemetry command that sources are asked.
package struct SourceCommand: Sendable, Hashable {
    /// How often a command is asked.
    enum Scope: Sendable, Hashable {
        /// Once a process.
        case process
        /// Once a device; the device is its first parameter.
        case device
        /// Once a virtual channel that is set up; device and channel are its parameters.
        case vchan
        /// Once an access group; the group and a device that is in it are its parameters.
        case group

        /// The labels of its series.
        var labels: [String] {
            switch self {
            case .process: ScrapeSource.labelNames
            case .device: SourceCommand.Scope.process.labels + ["device", "name"]
            case .vchan: SourceCommand.Scope.device.labels + ["vchan"]
            case .group: SourceCommand.Scope.process.labels + ["group"]
            }
        }
    }

    /// The command's path, as `/dmadev/info`.
    package let path: String
    /// How often it is asked.
    let scope: Scope
    /// How many rows of a list are asked for, when it is asked once a process.
    let count: Int?
    /// Members of its reply that only grow: a smaller one tells that the source began to count anew.
    let witnesses: [String]

    init(_ path: String, _ scope: Scope, count: Int? = nil, witnesses: [String] = []) {
        self.path = path
        self.scope = scope
        self.count = count
        self.witnesses = witnesses
    }
}

/// Every command that metrics and the page are taken from.
extension SourceCommand {
    /// What the source offers.
    static let offers = SourceCommand("/", .process)
    package static let deviceList = SourceCommand("/dmadev/list", .process)
    package static let deviceInfo = SourceCommand("/dmadev/info", .device)
    package static let channels = SourceCommand("/dmadev/vchans", .device)
    /// Since the device was made.
    package static let counters = SourceCommand(
        "/dmadev/xstats", .vchan, witnesses: ["submitted", "completed", "errors"])
    /// Since the last reset: what there is of DPDK's devices.
    package static let statistics = SourceCommand(
        "/dmadev/stats", .vchan, witnesses: ["submitted", "completed", "errors"])
    package static let latency = SourceCommand("/dmadev/latency", .vchan, witnesses: ["count", "sum_ns"])
    package static let groups = SourceCommand("/dmadev/groups", .process)
    package static let group = SourceCommand("/dmadev/group", .group)
    static let controller = SourceCommand("/controller/info", .process, witnesses: ["accepted", "operations", "bytes"])
    static let controllerPeers = SourceCommand("/controller/peers", .process)
    static let controllerDomains = SourceCommand("/controller/domains", .process)
    static let server = SourceCommand("/telemetry/stats", .process, witnesses: ["requests", "accepted"])

    /// Only the newest one, for its number.
    static let failedCall = failedCalls(1), groupEvent = groupEvents(1)

    /// The last calls of the dmadev library that failed.
    package static func failedCalls(_ count: Int) -> SourceCommand { .init("/dmadev/errors", .process, count: count) }
    /// The last events of access groups.
    package static func groupEvents(_ count: Int) -> SourceCommand { .init("/dmadev/events", .process, count: count) }
    /// The last telemetry requests that were answered with null.
    package static func refusals(_ count: Int) -> SourceCommand { .init("/telemetry/errors", .process, count: count) }
}
