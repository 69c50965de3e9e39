/// One measurement. A new one is a file in `Measurements`, a row here, and rows in `Budget.all`.
struct Measurement: Sendable {
    /// The name for `--only`, and the first part of the names of its results.
    let name: String
    let abstract: String
    let run: @Sendable (Session) throws -> Void

    static let all = [
        Measurement(name: "copy", abstract: "throughput of copies in bursts of 32", run: measureCopies),
        Measurement(name: "large", abstract: "copies of 1 MiB to 1 GiB, cold and warm", run: measureLargeCopies),
        Measurement(name: "calls", abstract: "cost of each data call for the application", run: measureCalls),
        Measurement(name: "latency", abstract: "one 64-byte copy, awake and after idleness", run: measureLatency),
        Measurement(name: "idle", abstract: "processor time of a started, idle device", run: measureIdleness),
        Measurement(name: "fill", abstract: "throughput of fills", run: measureFills),
        Measurement(name: "attached", abstract: "copies through attachments to memory files", run: measureAttachments),
        Measurement(
            name: "domains", abstract: "copies between processes, and with a guest, by a controller",
            run: measureDomains),
        Measurement(name: "memory", abstract: "external memory: register, map, getters", run: measureMemory),
        Measurement(name: "trace", abstract: "disabled and enabled tracepoints; whole bursts", run: measureTracing),
        Measurement(
            name: "analysis", abstract: "trace report and audit, and decoding only", run: measureAnalyses),
        Measurement(name: "observer", abstract: "observed devices of a DPDK application", run: measureObserving),
        Measurement(name: "telemetry", abstract: "queries of 1 to 1,000 clients", run: measureTelemetry),
        Measurement(name: "service", abstract: "memory and start time of `dmascope serve`", run: measureService),
        Measurement(
            name: "sources", abstract: "300 telemetry sources: scrape, page, rest; commands", run: measureSources),
        Measurement(name: "scale", abstract: "costs against how much there is", run: measureScale),
    ]
}
