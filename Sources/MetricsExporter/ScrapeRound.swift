/// The results of one collection from all sources.
struct ScrapeRound {
    /// One walk for each source, in the order of discovery.
    let answers: [SourceWalk<SampleBuilder>]
    /// Sockets without a listener, left by processes that were killed.
    let staleCount: Int
    /// Sockets of users who are not trusted, beyond those among the walks.
    let omittedUntrustedCount: Int
    /// Failed scrapes by reason, since the collector was created. This collection is included.
    let failureCounts: [String: UInt64]
    /// The duration of the collection.
    let nanoseconds: UInt64
}
