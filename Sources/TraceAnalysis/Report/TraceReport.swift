/// What a trace says about its channels, engines and calls. Memory does not grow with the number of events.
public struct TraceReport: Sendable {
    /// By channel, in the order of process, device and number.
    public let channels: [ChannelReport]
    /// By engine, if its sleeps were recorded.
    public let engines: [EngineReport]
    /// The most frequent first.
    public let failedCalls: [FailedCallReport]
    /// Access groups, in the order of their first events. At most ``GroupReport/mostGroups``.
    public let groups: [GroupReport]
    /// Events of groups that are not kept.
    public let furtherGroupEvents: UInt64
    /// The memory of each process that has calls about it.
    public let memory: [MemoryReport]
    /// How many events of each name there are, by name.
    public let eventCounts: [(name: String, count: UInt64)]
    /// All events.
    public let eventCount: UInt64
    /// The times of the first and the last event, in nanoseconds since 1970; `nil` without events.
    public let times: ClosedRange<Int64>?
    /// What the trace has lost.
    public let losses: TraceLosses

    /// Reads traces.
    ///
    /// - Parameters:
    ///   - paths: directories, at or below which traces are.
    ///   - goOn: is called every few events with their number; `false` ends the reading.
    /// - Throws: ``TraceError``.
    public init(_ paths: [String], whileTrue goOn: (UInt64) -> Bool = { _ in true })
        throws(TraceError)
    {
        let reader = try TraceReader(paths)
        let collector = ReportCollector { reader.processes }
        let consumer = ReportConsumer(collector)
        let follower = consumer.follower
        try reader.read(into: consumer) { goOn(reader.eventCount) }
        follower.finish()
        channels = follower.channels.compactMap { channel in
            guard var report = (channel.account as? ReportCollector.ChannelAccount)?.report else {
                return nil
            }
            report.rejected = channel.rejectedCount
            return report
        }
        engines = collector.engineReports
        failedCalls = collector.failedCalls
        groups = consumer.groups.all
        furtherGroupEvents = consumer.groups.furtherCount
        memory = consumer.memory.all
        eventCounts = reader.eventCounts
        eventCount = reader.eventCount
        times = reader.times
        losses = reader.losses
    }
}
