import LinuxSystem
import MetricsExporter
public import TelemetryClient
public import TelemetryWire

/// Asks every telemetry source on the machine what the live page shows.
///
/// A collection waits for the sources: call it from a thread that may wait, from one at a time.
public struct SnapshotCollector: Sendable {
    /// Where to look, and how long.
    public struct Configuration: Sendable {
        /// Directories below which sockets are looked for, anew each time.
        public var directories = TelemetryRunDirectory.candidates
        /// Paths of further sockets, in which `*`, `?` and `[…]` stand for what they do in a shell. A path without these
        /// is a source whether there is a socket or not.
        public var sockets: [String] = []
        /// How long one source may take, all of its answers together. A source that never answers makes every
        /// collection take that long.
        public var timeout: Duration = .seconds(1)

        /// The usual configuration.
        public init() {}
    }

    private let configuration: Configuration
    private let finder: SourceFinder

    /// A collector that has asked nobody yet.
    public init(_ configuration: Configuration = Configuration()) {
        self.configuration = configuration
        finder = SourceFinder(directories: configuration.directories, patterns: configuration.sockets)
    }

    /// What all sources say at this moment, as the JSON object that the module's page documents.
    ///
    /// A source that fails is in it with the reason, and nothing else that it said.
    ///
    /// - Throws: when the system has no descriptors left for asking anybody.
    public func snapshot() throws(TelemetryClientError) -> JSONTree {
        let began = MonotonicTime.now
        let conversations = finder.sources().map { ($0, PageConversation()) }
        let outcomes = try TelemetrySweep(timeout: configuration.timeout).run(conversations.map { ($0.0.path, $0.1) })
        var processes: [JSONTree] = []
        var deadCount = 0
        for ((source, conversation), outcome) in zip(conversations, outcomes) {
            if !source.isNamed, [.refused, .notFound].contains(outcome.failure?.code) {
                deadCount += outcome.failure?.code == .refused ? 1 : 0
            } else {
                processes.append(.object(process(source, conversation, outcome)))
            }
        }
        let places = configuration.directories.map(\.applications) + configuration.sockets
        return .object([
            .init("program", .string(DmascopeVersion.text)),
            .init("time_ns", .count(MonotonicTime.wallClockNanoseconds)),
            .init("took_ns", .count(MonotonicTime.now.nanoseconds(since: began))),
            .init("looked_in", .array(places.map(JSONTree.string))),
            .init("dead_sockets", .count(UInt64(deadCount))),
            .init("processes", .array(processes)),
        ])
    }

    private func process(
        _ source: ScrapeSource, _ conversation: PageConversation, _ outcome: TelemetrySweep.Outcome
    ) -> [JSONTree.Member] {
        // The kernel's word, unless the process is in a namespace that is not seen from here.
        let seen = outcome.peer.map(\.pid).flatMap { $0 > 0 ? $0 : nil }
        let pid = seen.map(Int64.init) ?? conversation.greeting?.pid
        var members: [JSONTree.Member] = [
            .init("path", .string(source.path)),
            .init("prefix", .string(source.prefix)),
            .init("instance", .count(UInt64(source.instance))),
            .init("pid", pid.map(JSONTree.integer) ?? .null),
            .init("name", .text(seen.flatMap { SystemFile.text("/proc/\($0)/comm") })),
            .init("version", .text(conversation.greeting?.version)),
            .init("answer_ns", .count(outcome.nanoseconds)),
        ]
        if let failure = outcome.failure {
            members += [
                .init("state", .string("failed")),
                .init("failure", .string(failure.code.description)),
                .init("reason", .text(failure.reason)),
                .init("process_state", .text(seen.flatMap(Self.state(of:)))),
            ]
        } else {
            members.append(.init("state", .string("answers")))
            members += conversation.members
        }
        return members
    }

    /// What the kernel says that a process does, as `T (stopped)`; `nil` when it has gone.
    private static func state(of pid: Int32) -> String? {
        let lines = SystemFile.text("/proc/\(pid)/status")?.split(separator: "\n") ?? []
        return lines.first { $0.hasPrefix("State:") }.map { line in
            String(line.dropFirst("State:".count).drop { $0 == "\t" || $0 == " " })
        }
    }
}
