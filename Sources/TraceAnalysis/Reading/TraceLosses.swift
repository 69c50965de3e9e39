/// What a trace does not have.
public struct TraceLosses: Sendable {
    /// Events that the tracer had no room for, in the buffers of one process, or of all processes of a user.
    public struct Discarded: Sendable {
        /// The processes that share the buffers.
        public let owner: String
        /// Events; `nil` if the tracer does not say how many.
        public let events: UInt64?
        /// Whole packets.
        public let packets: UInt64
    }

    /// One for each owner that has lost something.
    public internal(set) var discarded: [Discarded] = []
    /// Whether it is a snapshot: overwritten events are not counted anywhere.
    public internal(set) var isSnapshot = false
    /// Streams without their first packets.
    public internal(set) var lateStreamCount = 0
    /// Whether events do not say which process has recorded them.
    public internal(set) var lacksProcesses = false
    /// Whether the reading ended before the trace's end.
    public internal(set) var isCut = false

    /// Whether the trace has every event that was recorded.
    public var isEmpty: Bool { discarded.isEmpty && !isSnapshot && lateStreamCount == 0 && !lacksProcesses && !isCut }

    /// A sentence for each loss, with what to do against it.
    public var sentences: [String] {
        var sentences = discarded.map { loss in
            let events = loss.events.map { "\($0) event\($0 == 1 ? "" : "s")" } ?? "an unknown number of events"
            let packets = loss.packets > 0 ? " and \(loss.packets) packet\(loss.packets == 1 ? "" : "s")" : ""
            return "\(events)\(packets) of \(loss.owner) were discarded: record with larger sub-buffers or fewer events"
        }
        if isSnapshot {
            sentences.append("this is a snapshot: older events may have been overwritten, which is not counted")
        }
        if lateStreamCount > 0 {
            sentences.append(
                "the first packets of \(lateStreamCount) stream\(lateStreamCount == 1 ? "" : "s") are missing: they were "
                    + "overwritten, or are in another part of a rotated session")
        }
        if lacksProcesses {
            sentences.append(
                "the events do not name their process: record with `lttng add-context --userspace --type=vpid`")
        }
        if isCut { sentences.append("the reading was interrupted: what follows is not in the result") }
        return sentences
    }
}
