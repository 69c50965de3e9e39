import DMADev
import LinuxSystem
import MetricsExporter
import ObservedCounters
import TelemetryClient
import TelemetryWire

/// Every process with DMA devices, and every place of one that could not be read.
package struct ProcessSurvey {
    package let rows: [ProcessRow]

    /// Reads all sources; with an interval twice, because rates and stuck channels of DPDK show in a comparison only.
    package init(_ finder: SourceFinder, timeout: Duration, interval: Duration?) throws(Failure) {
        var earlier: [String: ProcessCounters] = [:]
        if let interval {
            for walk in try Self.walks(finder, timeout) { earlier[Self.key(walk)] = walk.visitor }
            Pause.until(MonotonicTime.now.advanced(by: interval))
        }
        rows =
            try Self.walks(finder, timeout).compactMap { walk in
                let row = ProcessRow(walk, since: earlier[Self.key(walk)])
                return row.devices.isEmpty && row.reason == nil ? nil : row
            } + EndedPrograms(finder.trust).files.map(ProcessRow.init)
    }

    private static func walks(
        _ finder: SourceFinder, _ timeout: Duration
    ) throws(Failure) -> [SourceWalk<ProcessCounters>] {
        do throws(TelemetryClientError) {
            return try finder.query(timeout: timeout) { _ in ProcessCounters() }.walks
        } catch {
            throw Failure("cannot read the telemetry sockets: \(error.reason): end other processes")
        }
    }

    private static func key(_ walk: SourceWalk<ProcessCounters>) -> String {
        "\(walk.source.path) \(walk.process ?? 0)"
    }

    /// The first processes that answer, for a message; empty if there are none.
    static func running(_ trust: TelemetryTrust, like target: Target) -> String {
        let finder = SourceFinder(
            directories: TelemetryRunDirectory.candidates, patterns: [], trust: trust, first: [])
        guard let survey = try? ProcessSurvey(finder, timeout: .milliseconds(500), interval: nil) else { return "" }
        let rows = survey.rows.filter { $0.reason == nil }
        let names = rows.map { "\($0.source) (pid \($0.pid ?? 0))" }
        guard !names.isEmpty else { return "" }
        let rest = names.count > 4 ? " and \(names.count - 4) more" : ""
        var nearest = ""
        if case .prefix(let prefix, _) = target {
            nearest = Suggestion.text(for: prefix, among: rows.map(\.source.prefix))
        }
        return "\(nearest); `dmascope ps` shows \(names.prefix(4).joined(separator: ", "))\(rest)"
    }
}

/// The devices of one source, with the sums of their counters.
final class ProcessCounters: SourceVisitor {
    static let limits = (devices: Int(Int16.max), channels: 1 << 20, groups: 0)

    private(set) var devices: [String] = []
    private(set) var isObserved = false
    private(set) var states: Set<String> = []
    private(set) var time = MonotonicTime.now
    private(set) var completed: UInt64 = 0
    private(set) var errors: UInt64 = 0

    func selectCommands(from offered: Set<String>, process: (id: Int64, visibleID: Int32?)) -> [SourceCommand] {
        [.channels, offered.contains(SourceCommand.counters.path) ? .counters : .statistics]
    }

    func take(_ reply: JSONTree, to request: SourceRequest) {
        switch request.command {
        case .deviceInfo:
            devices.append(JSONReader.label(reply["name"]?.string ?? ""))
            isObserved = isObserved || reply["observed"]?.integer == 1
        case .channels: states.formUnion(reply.elements.compactMap { $0["state"]?.string })
        case .counters, .statistics:
            time = .now
            completed &+= reply["completed"]?.unsigned ?? 0
            errors &+= reply["errors"]?.unsigned ?? 0
        default: break
        }
    }
}

/// One process, as `ps` shows it.
package struct ProcessRow {
    let source: TelemetrySource
    let pid: Int64?
    /// Whether only the process itself says that this is its number.
    let isClaimed: Bool
    let uid: UInt32?
    let program: String?
    let devices: [String]
    /// Whether they are those of a DPDK application, with DPDK's drivers.
    let isObserved: Bool
    /// Operations per second; `nil` if unknown.
    let rate: Double?
    /// One or two words: `ok`, or what is wrong.
    let verdict: String
    /// Why nothing of the process is known; `nil` if it answers.
    let reason: String?

    fileprivate init(_ walk: SourceWalk<ProcessCounters>, since before: ProcessCounters?) {
        source = walk.source.name
        pid = walk.process
        isClaimed = walk.isProcessClaimed
        let failure = walk.outcome?.failure
        uid = walk.outcome?.peer?.uid ?? failure?.user ?? walk.source.uid
        program =
            walk.visibleProcess.flatMap { SystemFile.text("/proc/\($0)/comm") }
            .map { String($0.prefix { $0 != "\n" }) } ?? walk.greeting?.version
        reason = failure?.reason
        let now = walk.visitor
        devices = failure == nil ? now.devices : []
        isObserved = now.isObserved
        let seconds = before.map { Double(now.time.nanoseconds(since: $0.time)) / 1e9 } ?? 0
        func rate(_ counter: KeyPath<ProcessCounters, UInt64>) -> Double? {
            guard failure == nil, let before, seconds > 0, before[keyPath: counter] <= now[keyPath: counter] else {
                return nil
            }
            return Double(now[keyPath: counter] - before[keyPath: counter]) / seconds
        }
        self.rate = rate(\.completed)
        if let failure {
            verdict = Self.verdict(failure.code)
        } else if let state = Self.deadStates.first(where: now.states.contains) {
            verdict = state
        } else {
            verdict = rate(\.errors) ?? 0 > 0 ? "failing" : "ok"
        }
    }

    /// An observed program of DPDK that was killed.
    fileprivate init(_ file: CountersFile) {
        source = TelemetrySource(
            runDirectory: TelemetrySource(path: TelemetryTrust.directory(of: file.path)).runDirectory,
            prefix: TelemetrySource(path: TelemetryTrust.directory(of: file.path)).prefix, instance: nil)
        pid = Int64(file.pid)
        isClaimed = false
        uid = file.uid
        program = JSONReader.label(file.program)
        devices = file.devices.map { JSONReader.label($0.name) }
        isObserved = true
        rate = nil
        verdict = "ended"
        reason = "it was killed; `dmascope observe --ended` prints what its devices did, and removes \(file.path)"
    }

    /// The states of channels that complete nothing although they should, the worst first.
    package static let deadStates = ["halted", "stuck"]

    /// What is wrong with a source that could not be read, in one or two words.
    package static func verdict(_ code: TelemetryClientError.Code) -> String {
        switch code {
        case .untrusted: "not trusted"
        case .permissionDenied: "not permitted"
        case .unreadable: "cannot look"
        case .timedOut: "no answer"
        default: "failed (\(code))"
        }
    }

    package var json: JSONTree {
        func text(_ value: String?) -> JSONTree { value.map(JSONTree.string) ?? .null }
        return .object([
            JSONTree.Member("pid", pid.map(JSONTree.integer) ?? .null),
            JSONTree.Member("pid_claimed", .bool(isClaimed)),
            JSONTree.Member("uid", uid.map { .integer(Int64($0)) } ?? .null),
            JSONTree.Member("user", text(uid.flatMap(UserName.name))), JSONTree.Member("program", text(program)),
            JSONTree.Member("run_directory", .string(source.runDirectory)),
            JSONTree.Member("domain", text(source.domain)), JSONTree.Member("prefix", .string(source.prefix)),
            JSONTree.Member("instance", source.instance.map { .integer(Int64($0)) } ?? .null),
            JSONTree.Member("path", .string(source.path)),
            JSONTree.Member("devices", .array(devices.map(JSONTree.string))),
            JSONTree.Member("observed", .bool(isObserved)),
            JSONTree.Member("ops_per_second", rate.map(JSONTree.double) ?? .null),
            JSONTree.Member("verdict", .string(verdict)), JSONTree.Member("reason", text(reason)),
        ])
    }

    /// The cells of the table.
    package var cells: [String] {
        let first = devices.prefix(3).joined(separator: " ")
        let mark = isObserved ? " (observed)" : ""
        return [
            pid.map { "\($0)" } ?? "-", uid.map { UserName.name($0) ?? "\($0)" } ?? "-", program ?? "-",
            source.runDirectory, source.prefix.isEmpty ? "-" : source.prefix, source.instance.map { "\($0)" } ?? "-",
            (devices.count > 3 ? "\(first) … \(devices.count - 3) more" : devices.isEmpty ? "-" : first) + mark,
            rate.map(Quantity.count) ?? "-", verdict,
        ]
    }
}
