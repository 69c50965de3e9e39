import LinuxSystem
import MachineInventory
import MetricsExporter
public import TelemetryClient
public import TelemetryWire

/// Reads from every telemetry source on the machine what the live page shows.
///
/// A collection blocks until the sources have answered or timed out: call it from a thread that may block, one call at a
/// time.
public struct SnapshotCollector: Sendable {
    /// The sources and their timeout.
    public struct Configuration: Sendable {
        /// Directories that are searched for sockets at each collection.
        public var directories = TelemetryRunDirectory.candidates
        /// Paths of further sockets. `*`, `?` and `[…]` are shell wildcards. A path without wildcards is a source even when
        /// no socket exists.
        public var sockets: [String] = []
        /// The users whose sources are read. The others are listed with the reason.
        public var trust = TelemetryTrust()
        /// Paths of sockets that are read before all others: those of this process.
        public var ownSockets: [String] = []
        /// Finds and connects the sources of all users, in place of `directories` and `sockets`; `nil`: this process does.
        public var connector: SourceConnector?
        /// The timeout of one source, for all of its replies together. With a source that never answers, every collection
        /// takes this long.
        public var timeout: Duration = .seconds(1)

        /// The path of procfs, where the dma-bufs of the machine are found; tests use a copy.
        public var procfs = "/proc"
        /// The path of sysfs, with the kernel's lists of dma-bufs; tests use a copy.
        public var sysfs = "/sys"

        /// The default configuration: all run directories, one second.
        public init() {}
    }

    private let configuration: Configuration
    private let finder: SourceFinder
    private let inventory: InventoryReader

    /// Reads no source before the first collection.
    public init(_ configuration: Configuration = Configuration()) {
        self.configuration = configuration
        finder = SourceFinder(
            directories: configuration.directories, patterns: configuration.sockets, trust: configuration.trust,
            first: configuration.ownSockets, connector: configuration.connector)
        inventory = InventoryReader(
            DMABufferInventory.Roots(proc: configuration.procfs, sys: configuration.sysfs))
    }

    /// Reads all sources. The page <doc:Snapshots> documents the JSON object.
    ///
    /// A source that fails is in the object with the reason and without its replies.
    ///
    /// - Throws: when the process or the system has no file descriptors left.
    public func snapshot() throws(TelemetryClientError) -> JSONTree {
        let began = MonotonicTime.now
        let answers = try finder.query(timeout: configuration.timeout) { _ in SnapshotBuilder() }
        // Reading all processes costs more than the telemetry of a few. Without a result in time, the last one.
        let buffers = inventory.latest(notOlderThan: .seconds(5), waitingAtMost: .milliseconds(200))?.inventory
        let locations =
            configuration.connector.map { $0.roots.map { "\($0)/dpdk" } }
            ?? configuration.directories.map(\.applications) + configuration.sockets
        return .object([
            .init("program", .string(DmascopeVersion.text)),
            .init("time_ns", .count(MonotonicTime.wallClockNanoseconds)),
            .init("duration_ns", .count(MonotonicTime.now.nanoseconds(since: began))),
            .init("searched", .array(locations.map(JSONTree.string))),
            .init("stale_sockets", .count(UInt64(answers.staleCount))),
            .init("omitted_untrusted_sockets", .count(UInt64(answers.omitted[.untrusted] ?? 0))),
            .init(
                "omitted_unread_places",
                .count(UInt64((answers.omitted[.permissionDenied] ?? 0) + (answers.omitted[.unreadable] ?? 0)))),
            .init("dmabufs", buffers.map(SnapshotBuilder.buffers) ?? .null),
            .init("processes", .array(answers.walks.map { .object(process($0)) })),
        ])
    }

    private func process(_ answer: SourceWalk<SnapshotBuilder>) -> [JSONTree.Member] {
        let visible = answer.visibleProcess
        var members: [JSONTree.Member] = [
            .init("path", .string(answer.source.path)),
            .init("run_directory", .string(answer.source.name.runDirectory)),
            .init("prefix", .string(answer.source.name.prefix)),
            .init("instance", answer.source.name.instance.map { .count(UInt64($0)) } ?? .null),
            .init("domain", .text(answer.source.name.domain)),
            .init("uid", answer.source.uid.map { .count(UInt64($0)) } ?? .null),
            .init("owner", .text(answer.source.owner)),
            .init("pid", answer.process.map(JSONTree.integer) ?? .null),
            .init("pid_claimed", .bool(answer.isProcessClaimed)),
            .init("name", .text(visible.flatMap { SystemFile.text("/proc/\($0)/comm") })),
            .init("version", .text(answer.greeting?.version)),
            .init("answer_ns", .count(answer.outcome?.nanoseconds ?? 0)),
        ]
        if let failure = answer.outcome?.failure {
            members += [
                .init("state", .string("failed")),
                .init("failure", .string(failure.code.description)),
                .init("reason", .text(failure.reason)),
                .init(
                    "untrusted_uid",
                    failure.code == .untrusted ? failure.user.map { .count(UInt64($0)) } ?? .null : .null),
                .init("owner_uid", failure.user.map { .count(UInt64($0)) } ?? .null),
                .init("process_state", .text(visible.flatMap(Self.state(of:)))),
            ]
        } else {
            members.append(.init("state", .string("answers")))
            members += answer.visitor.members(of: answer)
        }
        return members
    }

    /// The process state from the kernel, for example `T (stopped)`; `nil` when the process has ended.
    private static func state(of pid: Int32) -> String? {
        let lines = SystemFile.text("/proc/\(pid)/status")?.split(separator: "\n") ?? []
        return lines.first { $0.hasPrefix("State:") }.map { line in
            String(line.dropFirst("State:".count).drop { $0 == "\t" || $0 == " " })
        }
    }
}
