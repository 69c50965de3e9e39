import TelemetryClient

/// How all sources were asked, once.
struct ScrapeRound: Sendable {
    /// One source that was asked.
    struct Answer: Sendable {
        /// The socket.
        let source: ScrapeSource
        /// Why it gave no metrics; `nil` when it did.
        let failure: TelemetryClientError?
        /// How long it took.
        let nanoseconds: UInt64
        /// What it calls itself, as `DPDK 26.11.0`; `nil` when it did not say.
        let version: String?
        /// Its process; `nil` when there was no connection.
        let pid: Int64?
    }

    /// The sources, in the order in which they were found.
    let answers: [Answer]
    /// Sockets that were found and nobody listens on: what is left of processes that were killed.
    let deadCount: Int
    /// How often a source gave no metrics since the collector was made, by reason; this round is counted.
    let failureCounts: [String: UInt64]
    /// How long all took together.
    let nanoseconds: UInt64
}
