import CommandSupport
import DMADev
import TelemetryClient
import TelemetryWire

/// What has happened in a part of a measurement, as text and as JSON.
struct StatReport {
    enum Part: String {
        case interval, total
    }

    let part: Part
    /// Seconds after the start of the measurement.
    let from: Double
    let to: Double
    /// The program, how it ended, and for how many seconds it ran; `nil` without one.
    var program: (words: [String], exitStatus: Int32, seconds: Double)?
    let account: StatAccount

    var seconds: Double { max(to - from, 0) }

    /// The processes with devices or engines of this part. One that ended before it is left out.
    private var processes: [StatAccount.Process] {
        account.processes.filter { process in
            (process.deviceCount > 0 || !sums(process).engines.isEmpty) && process.ended ?? .infinity >= from
        }
    }

    private func sums(_ process: StatAccount.Process) -> StatSums {
        part == .total ? process.total : process.interval
    }

    // MARK: Text

    func text(bold: Bool) -> String {
        var table = TextTable(
            ("PROCESS", .left), ("PID", .right), ("DEVICE", .left), ("VCHAN", .right), ("OPS", .right),
            ("OPS/S", .right), ("BYTES", .right), ("BYTES/S", .right), ("FAILED", .right), ("P50", .right),
            ("P99", .right), ("RING", .right))
        var idle = 0
        var lines: [String] = []
        for process in processes {
            for (key, channel) in sums(process).sortedChannels {
                guard channel.hasMoved else {
                    idle += 1
                    continue
                }
                table.add(row(process, key, channel))
                let failures = channel.failures.map { "\($0.status) \($0.count)" }.joined(separator: ", ")
                if !failures.isEmpty {
                    lines.append("failed of \(key.name):\(key.vchan) of \(process.key.source): \(failures)")
                }
            }
        }
        for process in processes {
            for (key, engine) in sums(process).sortedEngines where engine.busyNanoseconds > 0 {
                let share = seconds > 0 ? Double(engine.busyNanoseconds) / 1e7 / seconds : 0
                lines.append(
                    "engine \(key.id) (\(key.name)) of \(process.key.source): busy \(decimal(share, places: 1)) %, "
                        + "\(Quantity.count(Double(engine.operations))) operations")
            }
        }
        if idle > 0 { lines.append("\(idle) other \(idle == 1 ? "channel has" : "channels have") done nothing") }
        if part == .total { lines += notes }
        let title =
            program.map { "\(decimal($0.seconds, places: 3)) s: \($0.words.joined(separator: " "))" }
            ?? (part == .total
                ? "\(decimal(seconds, places: 3)) s" : "\(decimal(from, places: 3)) s to \(decimal(to, places: 3)) s")
        let rows = table.lines.isEmpty ? ["no channel has done anything"] : [table.text(bold: bold)]
        return ([title].map(StandardStreams.printable) + rows + lines.map(StandardStreams.printable))
            .joined(separator: "\n") + "\n"
    }

    private func row(
        _ process: StatAccount.Process, _ key: StatReading.ChannelKey, _ channel: StatSums.Channel
    ) -> [String] {
        func rate(_ value: UInt64?) -> Double? { seconds > 0 ? value.map { Double($0) / seconds } : nil }
        func time(_ part: Double) -> String {
            guard let latency = channel.latency, latency.count > 0 else { return "-" }
            guard let bound = latency.percentile(part) else {
                return
                    ">\(Quantity.time(nanoseconds: Double(Latency.upperBound(ofBucket: Latency.bucketCount - 2) ?? 0)))"
            }
            return Quantity.time(nanoseconds: Double(bound))
        }
        // A mark of an earlier time that was not exceeded says nothing: at least what readings found.
        let ring = channel.highWater.map { "\($0)" } ?? channel.usedSlots.flatMap { $0 > 0 ? "≥\($0)" : nil } ?? "-"
        let size = channel.descriptorCount.map { "/\($0)" } ?? ""
        return [
            "\(process.key.source)", "\(process.key.pid)", key.name, "\(key.vchan)",
            channel["completed"].map { "\($0)" } ?? "-", rate(channel["completed"]).map(Quantity.count) ?? "-",
            channel["bytes"].map { Quantity.bytes(Double($0)) } ?? "-",
            rate(channel["bytes"]).map { Quantity.bytes($0) + "/s" } ?? "-",
            channel["errors"].map { "\($0)" } ?? "-", time(0.5), time(0.99), ring + size,
        ]
    }

    /// What is not known.
    private var notes: [String] {
        var notes: [String] = []
        for process in account.processes where process.deviceCount > 0 {
            let name = "\(process.key.source) (pid \(process.key.pid))"
            if let ended = process.ended {
                notes.append(
                    "\(name) ended by \(decimal(ended, places: 3)) s; last read at "
                        + "\(decimal(process.lastRead, places: 3)) s: what it did after that is not counted")
            }
            if let failure = process.failure {
                notes.append(
                    "\(name) did not answer (\(failure)); last read at \(decimal(process.lastRead, places: 3)) s")
            }
            if process.isOlder, process.firstRead > 0 {
                notes.append(
                    "\(name) was first read at \(decimal(process.firstRead, places: 3)) s: what it did before that is "
                        + "not counted")
            }
        }
        for (source, reason) in account.unread.sorted(by: { $0.key.description < $1.key.description }) {
            notes.append("\(source) could not be read: \(reason)")
        }
        return notes
    }

    // MARK: JSON

    var json: JSONTree {
        .object([
            .init("part", .string(part.rawValue)), .init("from_s", .double(from)), .init("to_s", .double(to)),
            .init("seconds", .double(seconds)),
            .init("command", program.map { .array($0.words.map(JSONTree.string)) } ?? .null),
            .init("exit_status", program.map { .integer(Int64($0.exitStatus)) } ?? .null),
            .init("program_seconds", program.map { .double($0.seconds) } ?? .null),
            .init("processes", .array(processes.map(json))),
            .init(
                "unread",
                .array(
                    account.unread.sorted { $0.key.description < $1.key.description }.map { source, reason in
                        .object([.init("source", .string(source.description)), .init("reason", .string(reason))])
                    })),
        ])
    }

    private func json(_ process: StatAccount.Process) -> JSONTree {
        let source = process.key.source
        let sums = sums(process)
        return .object([
            .init("run_directory", .string(source.runDirectory)), .init("prefix", .string(source.prefix)),
            .init("instance", source.instance.map { .integer(Int64($0)) } ?? .null),
            .init("pid", .integer(process.key.pid)),
            .init("program", process.program.map(JSONTree.string) ?? .null),
            .init("first_read_s", .double(process.firstRead)), .init("last_read_s", .double(process.lastRead)),
            .init("ended_s", process.ended.map(JSONTree.double) ?? .null),
            .init("failure", process.failure.map(JSONTree.string) ?? .null),
            .init("is_older", .bool(process.isOlder)),
            .init("channels", .array(sums.sortedChannels.map { json($0.key, $0.sums) })),
            .init("engines", .array(sums.sortedEngines.map { json($0.key, $0.sums) })),
        ])
    }

    private func json(_ key: StatReading.ChannelKey, _ channel: StatSums.Channel) -> JSONTree {
        func number(_ value: UInt64?) -> JSONTree { value.map(JSONTree.unsigned) ?? .null }
        func rate(_ value: UInt64?) -> JSONTree {
            seconds > 0 ? value.map { .double(Double($0) / seconds) } ?? .null : .null
        }
        let counters = ["submitted", "completed", "errors", "bytes", "rejected_enqueues", "doorbells"]
        return .object(
            [
                .init("id", .unsigned(key.device)), .init("name", .string(key.name)),
                .init("vchan", .integer(Int64(key.vchan))),
                .init("state", channel.state.map(JSONTree.string) ?? .null),
            ] + counters.map { JSONTree.Member($0, number(channel[$0])) } + [
                .init("ops_per_second", rate(channel["completed"])), .init("bytes_per_second", rate(channel["bytes"])),
                .init("p50_ns", number(channel.latency?.percentile(0.5))),
                .init("p90_ns", number(channel.latency?.percentile(0.9))),
                .init("p99_ns", number(channel.latency?.percentile(0.99))),
                .init("p999_ns", number(channel.latency?.percentile(0.999))),
                .init(
                    "failures",
                    .object(channel.failures.map { JSONTree.Member($0.status, .unsigned($0.count)) })),
                .init("ring_high_water", number(channel.highWater)), .init("ring_used", number(channel.usedSlots)),
                .init("nb_desc", number(channel.descriptorCount)),
            ])
    }

    private func json(_ key: StatReading.EngineKey, _ engine: StatSums.Engine) -> JSONTree {
        .object([
            .init("id", .unsigned(key.id)), .init("name", .string(key.name)),
            .init("busy_ns", .unsigned(engine.busyNanoseconds)),
            .init(
                "busy_ratio", seconds > 0 ? .double(Double(engine.busyNanoseconds) / 1e9 / seconds) : .null),
            .init("operations", .unsigned(engine.operations)), .init("bytes", .unsigned(engine.bytes)),
        ])
    }
}
