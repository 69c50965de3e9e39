import Foundation

/// A recording session of one test: made, started, stopped, read, and destroyed by ``record(_:filter:channel:_:)``.
///
/// Each traced process has its own buffers and its own trace, so that whatever else is traced on the machine, by other
/// tests for one, neither gets into the test's trace nor takes its room.
public final class LTTngSession {
    /// Where events go, per processor and process. An event must fit into a sub-buffer.
    public struct Channel: Sendable {
        /// Bytes, as LTTng reads them: a power of two, with `k` or `M`.
        public var subBufferSize: String
        /// How many of them, at least two, which LTTng fills in turn.
        public var subBufferCount: Int
        /// When no sub-buffer is free: whether the newest event is dropped and counted, or the oldest ones are overwritten.
        public var discardsNewest: Bool

        /// 4 MiB that drop the newest event when they are full.
        public init(subBufferSize: String = "1M", subBufferCount: Int = 4, discardsNewest: Bool = true) {
            self.subBufferSize = subBufferSize
            self.subBufferCount = subBufferCount
            self.discardsNewest = discardsNewest
        }
    }

    private let name: String
    private let directory: TemporaryDirectory
    private var processIDs: [pid_t] = []

    /// Records while `body` runs, and returns what the processes that it started with ``start(_:_:environment:)`` or
    /// ``run(_:_:environment:timeout:)`` recorded. Nothing stays behind, also when `body` throws.
    ///
    /// - Parameters:
    ///   - events: names or patterns of events.
    ///   - filter: an expression on fields that an event has to meet.
    public static func record(
        _ events: [String] = ["dmadev*"], filter: String? = nil, channel: Channel = Channel(),
        _ body: (LTTngSession) throws -> Void
    ) throws -> Trace {
        try recording(events, filter: filter, channel: channel, body) { try $0.read() }
    }

    /// The same for a trace that is too long to be taken apart here: what an `awk` program prints that reads the events as
    /// babeltrace2 prints them, one a line.
    public static func summarize(
        _ events: [String], channel: Channel, awk program: String, _ body: (LTTngSession) throws -> Void
    ) throws -> (output: String, discardedCount: Int) {
        try recording(events, filter: nil, channel: channel, body) { try $0.read(awk: program) }
    }

    /// Records while `body` runs, and returns what `read` makes of the directories of the traces.
    public static func analyze<Result>(
        _ events: [String], channel: Channel, _ body: (LTTngSession) throws -> Void,
        read: ([String]) throws -> Result
    ) throws -> Result {
        try recording(events, filter: nil, channel: channel, body) { try read($0.traces()) }
    }

    /// Records while `body` runs, and returns the files of the traces as they are: for what must not be in them, in no
    /// form.
    public static func rawBytes(_ events: [String], _ body: (LTTngSession) throws -> Void) throws -> Data {
        try recording(events, filter: nil, channel: Channel(), body) { session in
            var bytes = Data()
            for trace in session.traces() {
                for name in try FileManager.default.subpathsOfDirectory(atPath: trace) {
                    bytes += (try? Data(contentsOf: URL(fileURLWithPath: "\(trace)/\(name)"))) ?? Data()
                }
            }
            return bytes
        }
    }

    private static func recording<Result>(
        _ events: [String], filter: String?, channel: Channel, _ body: (LTTngSession) throws -> Void,
        _ read: (LTTngSession) throws -> Result
    ) throws -> Result {
        try LTTngDaemon.ensureRunning()
        let session = try LTTngSession()
        try lttng("create", session.name, "--output=\(session.directory.path)")
        defer { _ = try? lttng("destroy", session.name) }
        try lttng(
            "enable-channel", "--userspace", "--session=\(session.name)", "--buffers-pid",
            "--subbuf-size=\(channel.subBufferSize)", "--num-subbuf=\(channel.subBufferCount)",
            channel.discardsNewest ? "--discard" : "--overwrite", "main")
        let condition = filter.map { ["--filter=\($0)"] } ?? []
        try lttng(
            ["enable-event", "--userspace", "--session=\(session.name)", "--channel=main"] + condition
                + [events.joined(separator: ",")])
        try lttng("start", session.name)
        try body(session)
        try lttng("stop", session.name)  // returns when all data are written
        return try read(session)
    }

    /// Records more events from now on, also of programs that run already.
    public func enable(_ events: [String]) throws {
        try Self.lttng(
            "enable-event", "--userspace", "--session=\(name)", "--channel=main", events.joined(separator: ","))
    }

    /// What `lttng` prints when it is run with these arguments, with a session daemon there.
    @discardableResult
    public static func lttng(_ arguments: String...) throws -> String { try lttng(arguments) }

    @discardableResult
    private static func lttng(_ arguments: [String]) throws -> String {
        try LTTngDaemon.ensureRunning()
        return try outputOfProgram(
            try requiredTool("lttng", package: "lttng-tools"), ["--no-sessiond"] + arguments)
    }

    /// The lines of `lttng list --userspace` about one process, an event each.
    public static func listedEvents(of processID: pid_t) throws -> [Substring] {
        var lastFailure: (any Error)?
        // The daemon asks every process that it knows, and gives up when one of them, of another test, ends meanwhile.
        for _ in 0..<50 {
            do {
                let processes = try lttng("list", "--userspace").split(separator: "PID: ")
                let lines = processes.first { $0.hasPrefix("\(processID) ") }?.split(separator: "\n")
                return (lines ?? []).dropFirst().map { $0.drop { $0 == " " } }
            } catch { lastFailure = error }
        }
        throw lastFailure!  // every attempt has failed
    }

    /// What a traced program needs in its environment: it waits until the daemon has told it what to record.
    public static let environment = ["LTTNG_UST_REGISTER_TIMEOUT": "-1"]

    private init() throws {
        directory = try TemporaryDirectory()
        name = "dmascope-test-" + directory.path.split(separator: "-").last!  // the path has a "-", see there
    }

    /// Starts a program whose events belong to the trace, from its first instruction on.
    public func start(
        _ path: String, _ arguments: [String] = [], environment: [String: String] = [:]
    ) throws -> RunningProgram {
        let program = try RunningProgram(
            path, arguments, environment: Self.environment.merging(environment) { $1 })
        include(program.processID)
        return program
    }

    /// Runs a program to its end; it has to succeed.
    @discardableResult
    public func run(
        _ path: String, _ arguments: [String] = [], environment: [String: String] = [:],
        timeout: Duration = .seconds(60)
    ) throws -> ProgramResult {
        let program = try start(path, arguments, environment: environment)
        program.closeInput()
        let result = try program.wait(timeout: timeout)
        guard result.exit == .exited(0) else { throw TestSupportError("\(path): \(result)") }
        return result
    }

    /// Lets the events of another process into the trace, a child of a program that was started for one.
    public func include(_ processID: pid_t) { processIDs.append(processID) }

    /// The directories of the traces that belong to this one.
    private func traces() -> [String] {
        // They are named PROGRAM-PROCESS-DATE-TIME.
        let parent = directory.file("ust/pid")
        return ((try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []).filter { name in
            name.split(separator: "-").dropLast(2).last.flatMap { pid_t($0) }.map(processIDs.contains) ?? false
        }.map { "\(parent)/\($0)" }
    }

    private func read() throws -> Trace { try Trace(in: traces()) }

    private func read(awk program: String) throws -> (output: String, discardedCount: Int) {
        let babeltrace = try requiredTool("babeltrace2", package: "babeltrace2")
        let printed = try runProgram(
            "/bin/bash",
            ["-o", "pipefail", "-c", "\"${@:2}\" | awk \"$1\"", "bash", program, babeltrace]
                + ["--clock-seconds", "--no-delta"] + traces())
        guard printed.exit == .exited(0) else { throw TestSupportError("babeltrace2 | awk: \(printed)") }
        return (printed.output, try Self.discardedCount(in: printed.errors))
    }

    /// Adds up babeltrace2's warnings: `Tracer discarded 12 events between …`.
    static func discardedCount(in warnings: String) throws -> Int {
        try warnings.split(separator: "\n").reduce(0) { sum, line in
            guard let word = line.range(of: "discarded ") else { return sum }
            guard let count = Int(line[word.upperBound...].prefix { $0.isNumber }) else {
                throw TestSupportError("events were lost, nobody knows how many: \(line)")
            }
            return sum + count
        }
    }
}

extension Trace {
    /// Reads what LTTng wrote to some directories, or below them.
    public init(in directories: [String]) throws {
        guard !directories.isEmpty else {
            self.init(events: [], discardedCount: 0)
            return
        }
        let printed = try runProgram(
            try requiredTool("babeltrace2", package: "babeltrace2"), ["--clock-seconds", "--no-delta"] + directories)
        guard printed.exit == .exited(0) else { throw TestSupportError("babeltrace2: \(printed)") }
        self.init(
            events: try printed.output.split(separator: "\n").map { try TraceEvent(String($0)) },
            discardedCount: try LTTngSession.discardedCount(in: printed.errors))
    }
}
