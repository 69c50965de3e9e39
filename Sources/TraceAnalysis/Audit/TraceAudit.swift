/// Compares the events of a trace with the counters and histograms of the rings that they are about.
///
/// For each ring: every operation whose doorbell rang has ended once; the ends, failures, aborts and bytes are those of
/// `ring_detach`, and so is the number of values in its latency histogram; no ring index is missing or twice in any kind
/// of event.
public struct TraceAudit: Sendable {
    /// The result by channel, in the order of process, device and number.
    public private(set) var channels: [ChannelAudit]
    /// What the trace has lost; with any loss, every channel is inconclusive.
    public let losses: TraceLosses
    /// How many events were read.
    public let eventCount: UInt64

    /// The worst of all channels; inconclusive without any.
    public var verdict: AuditVerdict {
        let least = losses.isEmpty && !channels.isEmpty ? AuditVerdict.right : .inconclusive
        return max(least, channels.map(\.verdict).max() ?? .inconclusive)
    }

    /// Reads traces. ``conclude(against:)`` ends the audit.
    ///
    /// - Parameters:
    ///   - paths: directories, at or below which traces are.
    ///   - goOn: is called every few events with their number; `false` ends the reading.
    /// - Throws: ``TraceError``.
    public init(_ paths: [String], whileTrue goOn: (UInt64) -> Bool = { _ in true }) throws(TraceError) {
        let reader = try TraceReader(paths)
        let follower = OperationFollower(AuditCollector { reader.processes })
        try reader.read(into: follower) { goOn(reader.eventCount) }
        follower.finish()
        losses = reader.losses
        eventCount = reader.eventCount
        channels = follower.channels.compactMap { ($0.account as? AuditCollector.ChannelAccount)?.audit }
    }

    /// Compares with the counters of the channels' processes, which count since their devices were made.
    ///
    /// - Parameter counters: those of channels; empty without any. Then a channel without final counts has no result.
    public mutating func conclude(against counters: [AuditCounters]) {
        for place in channels.indices {
            let own = counters.filter { $0.matches(channels[place]) }
            if counters.isEmpty {
                if channels[place].lacksEnd {
                    channels[place].note(
                        .inconclusive,
                        "no final counts: the device ran at the trace's end, or its process was killed; stop the device "
                            + "before the recording, or compare with its counters (--against)")
                }
            } else if own.count == 1 {
                channels[place].compare(own[0])
            } else {
                channels[place].note(
                    .inconclusive,
                    own.isEmpty
                        ? "it is not among the given counters" : "several channels of the given counters match it")
            }
            if !losses.isEmpty { channels[place].discount() }
        }
    }
}
