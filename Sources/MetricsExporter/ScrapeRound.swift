import TelemetryClient

/// The results of one collection from all sources.
struct ScrapeRound {
    /// One walk for each source, in the order of discovery.
    let answers: [SourceWalk<SampleBuilder>]
    /// The process of each source, as far as it is known.
    let processes: KnownProcesses
    /// Sockets without a listener, left by processes that were killed.
    let staleCount: Int
    /// Sources beyond those among the walks, by the reason why they are not read.
    let omitted: [TelemetryClientError.Code: Int]
    /// Failed scrapes by reason, since the collector was created. This collection is included.
    let failureCounts: [String: UInt64]
    /// The duration of the collection.
    let nanoseconds: UInt64
}
