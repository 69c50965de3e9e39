extension Budget {
    /// All budgets, in the order of the report.
    static let all: [Budget] =
        [
            Budget(
                name: "copy 64 B in bursts of 32", peer: "DPDK skeleton", limit: .atMost(0.25, "×"),
                computation: .ratio("copy/64-untouched/dmascope", "copy/64-untouched/dpdk")),
            ring(.near, 1.5),
            ring(.far, 1),
            Budget(
                name: "copy 4 KiB", peer: "memcpy", limit: .atMost(1.1, "×"),
                computation: .ratio("copy/4096-untouched/dmascope", "copy/4096-untouched/memcpy")),
            Budget(
                name: "copy 64 KiB", peer: "memcpy", limit: .atMost(1.05, "×"),
                computation: .ratio("copy/65536-untouched/dmascope", "copy/65536-untouched/memcpy")),
            attached(4096, "4 KiB"),
            attached(65536, "64 KiB"),
        ] + large
        + [("enqueue", 0.3), ("doorbell", 0.1), ("completed", 0.2), ("none-ready", 0.7)].flatMap { name, limit in
            [call(name, "dmascope", "", limit), call(name, "library", " from C", limit)]
        }
        + [
            Budget(
                name: "one copy, engine awake", peer: "DPDK skeleton", limit: .atMost(0.8, "×"),
                computation: .ratio("latency/awake/dmascope-median", "latency/awake/dpdk-median"))
        ]
        + ["0.1ms", "1ms", "10ms"].map { idle in
            Budget(
                name: "one copy after \(idle)", peer: "bare futex wake", limit: .atMost(1.2, "×"),
                computation: .ratio("latency/idle-\(idle)/dmascope-median", "latency/idle-\(idle)/futex-wake-median"))
        }
        + ["1ms", "10ms"].flatMap { idle in
            [
                Budget(
                    name: "one copy after \(idle), adaptive", peer: "DPDK skeleton", limit: .atMost(1.2, "×"),
                    computation: .ratio(
                        "latency/idle-\(idle)/adaptive-median", "latency/idle-\(idle)/dpdk-median")),
                Budget(
                    name: "processor time of it", peer: "DPDK skeleton", limit: .atMost(0.5, "×"),
                    computation: .ratio(
                        "latency/idle-\(idle)/adaptive-processor", "latency/idle-\(idle)/dpdk-processor")),
            ]
        }
        + [
            Budget(
                name: "a started, idle device", peer: "-", limit: .atMost(0.1, "% of a CPU"),
                computation: .median("idle/started/dmascope")),
            fill("uniform"),
            fill("pattern"),
            Budget(
                name: "between processes, 64 B in bursts of 32", peer: "in-process", limit: .atMost(1.3, "×"),
                computation: .ratio("domains/64/controller", "domains/64/in-process")),
            Budget(
                name: "between processes, 64 KiB", peer: "memcpy", limit: .atLeast(0.9, "×"),
                computation: .ratio("domains/65536/memcpy", "domains/65536/controller")),
            guest(64, "64 B in bursts of 32"),
            guest(65536, "64 KiB"),
            Budget(
                name: "tracepoint, disabled", peer: "empty loop", limit: .atMost(0.4, "ns"),
                computation: .median("trace/tracepoint/off")),
            Budget(
                name: "tracepoint, enabled", peer: "an event of LTTng", limit: .atMost(1.05, "×"),
                computation: .ratio("trace/tracepoint/on", "trace/tracepoint/lttng")),
            Budget(
                name: "burst events, burst 32", peer: "an event of LTTng", limit: .atMost(0.1, "×"),
                computation: .ratio(.difference("trace/burst-32/on", "trace/burst-32/off"), "trace/tracepoint/lttng")),
            Budget(
                name: "burst events, 8 × 16 MiB", peer: "all operations", limit: .atLeast(1, "×"),
                computation: .ratio("trace/lossless/recorded", "trace/lossless/operations")),
            analysis("calls", "report"),
            analysis("calls", "audit"),
            analysis("bursts", "report"),
            analysis("bursts", "audit"),
            Budget(
                name: "memory of a report, beyond decoding", peer: "a quarter of its length", limit: .atMost(1.1, "×"),
                computation: .largest(
                    ["calls", "bursts"].map {
                        .ratio(
                            .difference("analysis/\($0)/report-long-peak", "analysis/\($0)/bare-long-peak"),
                            .difference("analysis/\($0)/report-short-peak", "analysis/\($0)/bare-short-peak"))
                    })),
            observed(burst: 32, 1.5),
            observed(burst: 1, 2.6),
            queries("/", "list", 0.9),
            queries("/dmadev/info,0", "info", 0.9),
            queries("/dmadev/stats,0", "stats", 0.75),
            Budget(
                name: "/dmadev/stats,0 on one processor", peer: "DPDK", limit: .atLeast(1, "×"),
                computation: .ratio("telemetry/stats-1/dmascope-rate", "telemetry/stats-1/dpdk-rate")),
            Budget(
                name: "10 clients, /, p99", peer: "-", limit: .atMost(200, "µs"),
                computation: .median("telemetry/list-10/dmascope-p99")),
            Budget(
                name: "answered simultaneous clients", peer: "-", limit: .atLeast(1000, "clients"),
                computation: .smallest(
                    ["list", "info", "stats"].map { .median("telemetry/\($0)-1000/dmascope-answered") })),
            Budget(
                name: "10 clients, /, with 990 silent, p99", peer: "-", limit: .atMost(1000, "µs"),
                computation: .median("telemetry/silent-990/dmascope-p99")),
            Budget(
                name: "service, anonymous memory", peer: "-", limit: .atMost(10, "MB"),
                computation: .median("service/serve/dmascope-anonymous")),
            Budget(
                name: "service, resident memory", peer: "-", limit: .atMost(35, "MB"),
                computation: .median("service/serve/dmascope-resident")),
            Budget(
                name: "service, start to first reply", peer: "-", limit: .atMost(0.05, "s"),
                computation: .median("service/serve/dmascope-start")),
        ] + sources + scale

    private static func attached(_ size: Int, _ text: String) -> Budget {
        Budget(
            name: "copy \(text) through attachments", peer: "the same copy without", limit: .atMost(1.05, "×"),
            computation: .ratio("attached/\(size)/attached", "attached/\(size)/plain"))
    }

    private static func guest(_ size: Int, _ text: String) -> Budget {
        Budget(
            name: "host and guest, \(text)", peer: "between processes", limit: .atMost(1.2, "×"),
            computation: .ratio("domains/\(size)/guest", "domains/\(size)/controller"))
    }

    private static func ring(_ regime: Regime, _ limit: Double) -> Budget {
        Budget(
            name: "copy 64 B in bursts of 32, \(regime.rawValue)", peer: "bare C ring", limit: .atMost(limit, "×"),
            computation: .ratio("copy/64-untouched/dmascope", "copy/64-untouched/ring"), regime: regime)
    }

    /// A call from Swift, or of a C program by the inline functions of libdmadev.
    private static func call(_ name: String, _ subject: String, _ language: String, _ limit: Double) -> Budget {
        Budget(
            name: "call\(language): \(name)", peer: "DPDK skeleton", limit: .atMost(limit, "×"),
            computation: .ratio("calls/burst-32/\(subject)-\(name)", "calls/burst-32/dpdk-\(name)"))
    }

    private static func fill(_ kind: String) -> Budget {
        Budget(
            name: "fill 4 to 64 KiB, \(kind)", peer: "memset", limit: .atLeast(0.9, "×"),
            computation: .smallest([4096, 16384, 65536].map { .ratio("fill/\($0)/\(kind)", "fill/\($0)/memset") }))
    }

    /// The speed of an analysis of a trace.
    private static func analysis(_ trace: String, _ name: String) -> Budget {
        Budget(
            name: "\(name) of a trace of \(trace)", peer: "decoding only", limit: .atLeast(0.8, "×"),
            computation: .ratio("analysis/\(trace)/bare", "analysis/\(trace)/\(name)"))
    }

    private static func observed(burst: Int, _ limit: Double) -> Budget {
        Budget(
            name: "observed DPDK device, burst \(burst)", peer: "unobserved", limit: .atMost(limit, "×"),
            computation: .ratio("observer/working-\(burst)/observed", "observer/working-\(burst)/unobserved"))
    }

    private static func queries(_ request: String, _ name: String, _ limit: Double) -> Budget {
        Budget(
            name: "\(request) on one processor", peer: "bare echo", limit: .atLeast(limit, "×"),
            computation: .ratio("telemetry/\(name)-1/dmascope-rate", "telemetry/\(name)-1/echo-rate"))
    }
}
