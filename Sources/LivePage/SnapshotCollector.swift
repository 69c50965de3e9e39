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
        let (answers, deadCount) = try finder.ask(timeout: configuration.timeout) { _ in PageTaker() }
        let places = configuration.directories.map(\.applications) + configuration.sockets
        return .object([
            .init("program", .string(DmascopeVersion.text)),
            .init("time_ns", .count(MonotonicTime.wallClockNanoseconds)),
            .init("took_ns", .count(MonotonicTime.now.nanoseconds(since: began))),
            .init("looked_in", .array(places.map(JSONTree.string))),
            .init("dead_sockets", .count(UInt64(deadCount))),
            .init("processes", .array(answers.map { .object(process($0)) })),
        ])
    }

    private func process(_ answer: SourceWalk<PageTaker>) -> [JSONTree.Member] {
        let visible = answer.visibleProcess
        var members: [JSONTree.Member] = [
            .init("path", .string(answer.source.path)),
            .init("prefix", .string(answer.source.prefix)),
            .init("instance", .count(UInt64(answer.source.instance))),
            .init("pid", answer.process.map(JSONTree.integer) ?? .null),
            .init("name", .text(visible.flatMap { SystemFile.text("/proc/\($0)/comm") })),
            .init("version", .text(answer.greeting?.version)),
            .init("answer_ns", .count(answer.outcome?.nanoseconds ?? 0)),
        ]
        if let failure = answer.outcome?.failure {
            members += [
                .init("state", .string("failed")),
                .init("failure", .string(failure.code.description)),
                .init("reason", .text(failure.reason)),
                .init("process_state", .text(visible.flatMap(Self.state(of:)))),
            ]
        } else {
            members.append(.init("state", .string("answers")))
            members += answer.taker.members(of: answer)
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
