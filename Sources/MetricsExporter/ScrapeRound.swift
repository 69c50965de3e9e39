/// How all sources were asked, once.
struct ScrapeRound {
    /// The sources, in the order in which they were found.
    let answers: [SourceWalk<SampleTaker>]
    /// Sockets that were found and nobody listens on: what is left of processes that were killed.
    let deadCount: Int
    /// How often a source gave no metrics since the collector was made, by reason; this round is counted.
    let failureCounts: [String: UInt64]
    /// How long all took together.
    let nanoseconds: UInt64
}
