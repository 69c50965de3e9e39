import ArgumentParser
import CommandSupport
import DMATrace
import TelemetryWire

/// `dmascope trace`
struct Trace: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Record traces, show what they say, and convert them for viewers.",
        subcommands: [TraceList.self, TraceRecordCommand.self, TraceReportCommand.self, TraceExportCommand.self])
}

/// `dmascope trace list`
struct TraceList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the LTTng events of dmascope, and how to record them.",
        discussion: """
            Without a target, lists the events that dmascope can record; this command has no device, so it records \
            none of them. With a target, lists the events of that process and whether a session records them now. DPDK \
            applications do not report their events.

            PART is what `dmascope trace record --events` takes; every recording has the events of always. The second table \
            says which questions the parts answer, and what they cost. --json has both for each event: cost_ns of the \
            event, and cost_per_operation_ns of each operation in it.
            """)

    @OptionGroup var peer: PeerOptions
    @OptionGroup var output: OutputOptions

    private struct Event {
        let name: String
        let level: String
        let isEnabled: Bool

        var part: RecordedEvents? { RecordedEvents.part(of: name) }
    }

    func run() throws {
        let events = try peer.isGiven ? request(from: try peer.connect()) : own()
        var table = TextTable(("EVENT", .left), ("LEVEL", .left), ("RECORDED", .left), ("PART", .left))
        for event in events {
            let part = event.part?.rawValue ?? RecordedEvents.nameOfAlways
            table.add([event.name, event.level, event.isEnabled ? "yes" : "no", part])
        }
        let text =
            [table, RecordedEvents.table].map { $0.text(bold: StandardStreams.outputTakesColor) } + [
                RecordedEvents.machines, howToRecord(events),
            ]
        try output.print(json: .array(events.map(json)), text: text.joined(separator: "\n\n"))
    }

    private func own() -> [Event] {
        TracePoints.all.map { Event(name: "\($0.provider):\($0.name)", level: $0.level, isEnabled: $0.isEnabled) }
    }

    private func request(from peer: Peer) throws(Failure) -> [Event] {
        try peer.require("/trace/list", "the target does not report trace events").members.map { member in
            let value = member.value["enabled"]
            return Event(
                name: member.name, level: member.value["level"]?.string ?? "-",
                isEnabled: value?.bool ?? (value?.integer ?? 0 != 0))
        }
    }

    private func json(_ event: Event) -> JSONTree {
        let cost = RecordedEvents.nanoseconds(of: event.name)
        return .object([
            JSONTree.Member("name", .string(event.name)), JSONTree.Member("level", .string(event.level)),
            JSONTree.Member("enabled", .bool(event.isEnabled)),
            JSONTree.Member("part", .string(event.part?.rawValue ?? RecordedEvents.nameOfAlways)),
            JSONTree.Member("answers", .string(event.part?.answers ?? RecordedEvents.answersOfAlways)),
            JSONTree.Member("cost_ns", .integer(Int64(cost.event))),
            JSONTree.Member("cost_per_operation_ns", .integer(Int64(cost.operation))),
        ])
    }

    private func howToRecord(_ events: [Event]) -> String {
        var providers: [Substring] = []
        for provider in events.compactMap({ $0.name.split(separator: ":").first }) where !providers.contains(provider) {
            providers.append(provider)
        }
        let text = RecordingHint.text(providers: providers.map(String.init))
        let hasBursts = RecordingHint.busyEvents.allSatisfy { name in events.contains { $0.name == name } }
        return hasBursts ? text + "\n\n" + RecordingHint.busyText : text
    }
}
