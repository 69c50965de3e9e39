extension Budget {
    /// Of many telemetry sources.
    static let sources: [Budget] =
        [
            Budget(
                name: "scrape of 300 sources × 8 channels", peer: "-", limit: .atMost(0.25, "s of a CPU"),
                computation: .median("sources/scrape/plain-processor")),
            Budget(
                name: "the same with gzip", peer: "-", limit: .atMost(1, "s of a CPU"),
                computation: .median("sources/scrape/gzip-processor")),
            Budget(
                name: "snapshot of the page of them", peer: "-", limit: .atMost(0.05, "s of a CPU"),
                computation: .median("sources/page/snapshot-processor")),
            Budget(
                name: "service with them, between scrapes", peer: "-", limit: .atMost(1, "% of a CPU"),
                computation: .median("sources/rest/dmascope")),
        ]
        + ["version", "list", "stats", "vchans", "query", "check", "top"].map { name in
            Budget(
                name: "command: \(name)", peer: "-", limit: .atMost(20, "ms"),
                computation: .median("sources/command/\(name)"))
        }
}
