import CommandSupport
import TelemetryWire
import TraceAnalysis

/// The result of an audit, for people and programs.
struct AuditText {
    private let audit: TraceAudit

    init(_ audit: TraceAudit) {
        self.audit = audit
    }

    /// What was lost, a row for each channel, what differs, and the result.
    var text: String {
        var lines = audit.losses.sentences.map { "incomplete: \($0)" }
        var table = TextTable(
            ("PROCESS", .left), ("DEVICE", .left), ("VCHAN", .right), ("RINGS", .right), ("SUBMITTED", .right),
            ("COMPLETED", .right), ("ERRORS", .right), ("ABORTED", .right), ("BYTES", .right), ("RESULT", .left))
        for channel in audit.channels {
            table.add([
                channel.process, Self.device(channel), "\(channel.vchan)", "\(channel.ringCount)",
                channel.hasCalls ? "\(channel.submitted)" : "-", channel.hasEnds ? "\(channel.completed)" : "-",
                channel.hasEnds ? "\(channel.errors)" : "-", channel.hasEngine ? "\(channel.aborted)" : "-",
                channel.hasAllBytes ? "\(channel.bytes)" : "-", channel.verdict.rawValue,
            ])
        }
        if !table.isEmpty { lines.append(table.text(bold: StandardStreams.outputTakesColor)) }
        for channel in audit.channels {
            for finding in channel.findings {
                lines.append(
                    StandardStreams.printable(
                        "\(channel.process), device \(Self.device(channel)), vchan \(channel.vchan): \(finding)"))
            }
            if channel.furtherFindings > 0 { lines.append("… and \(channel.furtherFindings) more of this channel") }
        }
        lines.append("\(audit.verdict.rawValue): \(sentence)")
        return lines.joined(separator: "\n")
    }

    private var sentence: String {
        let (events, channels) = (audit.eventCount, audit.channels.count)
        let read = "\(events) events, \(channels) channel\(channels == 1 ? "" : "s")"
        guard channels > 0 else {
            return "\(read): no event of an operation or a ring; `dmascope trace list` lists the events"
        }
        switch audit.verdict {
        case .right: return "\(read): events, counters and histograms agree"
        case .wrong: return "\(read): they part where the lines above say"
        case .inconclusive: return "\(read): see above for what is missing"
        }
    }

    /// The same as JSON.
    var json: JSONTree {
        .object([
            JSONTree.Member("verdict", .string(audit.verdict.rawValue)),
            JSONTree.Member("events", .unsigned(audit.eventCount)),
            JSONTree.Member("incomplete", .array(audit.losses.sentences.map(JSONTree.string))),
            JSONTree.Member("channels", .array(audit.channels.map(Self.json))),
        ])
    }

    private static func json(_ channel: ChannelAudit) -> JSONTree {
        func count(_ value: UInt64, _ isKnown: Bool) -> JSONTree { isKnown ? .unsigned(value) : .null }
        return .object([
            JSONTree.Member("process", .string(channel.process)),
            JSONTree.Member("pid", .integer(Int64(channel.processID))),
            JSONTree.Member("device", .integer(Int64(channel.device))),
            JSONTree.Member("name", channel.deviceName.map(JSONTree.string) ?? .null),
            JSONTree.Member("vchan", .integer(Int64(channel.vchan))),
            JSONTree.Member("rings", .unsigned(channel.ringCount)),
            JSONTree.Member("submitted", count(channel.submitted, channel.hasCalls)),
            JSONTree.Member("completed", count(channel.completed, channel.hasEnds)),
            JSONTree.Member("errors", count(channel.errors, channel.hasEnds)),
            JSONTree.Member("aborted", count(channel.aborted, channel.hasEngine)),
            JSONTree.Member("bytes", count(channel.bytes, channel.hasAllBytes)),
            JSONTree.Member("verdict", .string(channel.verdict.rawValue)),
            JSONTree.Member("findings", .array(channel.findings.map(JSONTree.string))),
            JSONTree.Member("further_findings", .unsigned(channel.furtherFindings)),
        ])
    }

    private static func device(_ channel: ChannelAudit) -> String {
        channel.deviceName.map { "\($0) (\(channel.device))" } ?? "\(channel.device)"
    }
}

extension ChannelAudit {
    /// Whether the trace says which operations have ended.
    fileprivate var hasEnds: Bool { hasEngine || hasPolls }
}
