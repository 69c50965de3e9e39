extension Budget {
    /// All budgets, in the order of the report.
    static let all: [Budget] =
        [
            Budget(
                name: "copy 64 B in bursts of 32", peer: "-", limit: .atMost(13, "ns"),
                computation: .median("copy/64-untouched/dmascope"), regime: .near),
            Budget(
                name: "copy 64 B in bursts of 32", peer: "bare C ring", limit: .atMost(2.2, "×"),
                computation: .ratio("copy/64-untouched/dmascope", "copy/64-untouched/ring")),
            Budget(
                name: "copy 4 KiB", peer: "memcpy", limit: .atMost(1.1, "×"),
                computation: .ratio("copy/4096-untouched/dmascope", "copy/4096-untouched/memcpy")),
            Budget(
                name: "copy 64 KiB", peer: "memcpy", limit: .atMost(1.05, "×"),
                computation: .ratio("copy/65536-untouched/dmascope", "copy/65536-untouched/memcpy")),
            attached(4096, "4 KiB"),
            attached(65536, "64 KiB"),
            call("enqueue", 5),
            call("doorbell", 2),
            call("completed", 2),
            call("none-ready", 2),
            libraryCall("enqueue"),
            libraryCall("doorbell"),
            libraryCall("completed"),
            libraryCall("none-ready"),
            Budget(
                name: "one copy, engine awake", peer: "DPDK skeleton", limit: .atMost(1, "×"),
                computation: .ratio("latency/awake/dmascope-median", "latency/awake/dpdk-median")),
        ]
        + ["0.1ms", "1ms", "10ms"].map { idle in
            Budget(
                name: "one copy after \(idle)", peer: "bare futex wake", limit: .atMost(1.2, "×"),
                computation: .ratio("latency/idle-\(idle)/dmascope-median", "latency/idle-\(idle)/futex-wake-median"))
        }
        + [
            Budget(
                name: "a started, idle device", peer: "-", limit: .atMost(0.5, "% of a CPU"),
                computation: .median("idle/started/dmascope")),
            fill("uniform"),
            fill("pattern"),
            Budget(
                name: "between processes, 64 B in bursts of 32", peer: "in-process", limit: .atMost(2, "×"),
                computation: .ratio("domains/64/controller", "domains/64/in-process")),
            Budget(
                name: "between processes, 64 KiB", peer: "memcpy", limit: .atLeast(0.9, "×"),
                computation: .ratio("domains/65536/memcpy", "domains/65536/controller")),
            guest(64, "64 B in bursts of 32"),
            guest(65536, "64 KiB"),
            Budget(
                name: "register and map 1 GiB", peer: "-", limit: .atMost(100, "µs"),
                computation: .median("memory/1-GiB/register-and-map")),
            Budget(
                name: "a getter of external memory", peer: "-", limit: .atMost(10, "ns"),
                computation: .largest(
                    ["descriptor", "offset", "iova"].map { .median("memory/getter/\($0)") })),
            Budget(
                name: "tracepoint, disabled", peer: "empty loop", limit: .atMost(0.4, "ns"),
                computation: .median("trace/tracepoint/off")),
            Budget(
                name: "tracepoint, enabled", peer: "empty loop", limit: .atMost(105, "ns"),
                computation: .median("trace/tracepoint/on")),
            Budget(
                name: "burst events, burst 32", peer: "untraced", limit: .atMost(13, "ns"),
                computation: .difference("trace/burst-32/on", "trace/burst-32/off")),
            Budget(
                name: "burst events, 8 × 16 MiB", peer: "all operations", limit: .atLeast(1, "×"),
                computation: .ratio("trace/lossless/recorded", "trace/lossless/operations")),
            analysis("calls", "report"),
            analysis("calls", "audit"),
            analysis("bursts", "report"),
            analysis("bursts", "audit"),
            Budget(
                name: "memory of a report of a long trace", peer: "a quarter of it", limit: .atMost(1.1, "×"),
                computation: .largest(
                    ["calls", "bursts"].map {
                        .ratio("analysis/\($0)/report-long-peak", "analysis/\($0)/report-short-peak")
                    })),
            observed(burst: 32, 1.5),
            observed(burst: 1, 2.6),
            queries("/", "list", 0.85),
            queries("/dmadev/info,0", "info", 0.85),
            queries("/dmadev/stats,0", "stats", 0.65),
            Budget(
                name: "10 clients, /, p99", peer: "-", limit: .atMost(1000, "µs"),
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
                name: "service, resident memory", peer: "-", limit: .atMost(40, "MB"),
                computation: .median("service/serve/dmascope-resident")),
            Budget(
                name: "service, start to first reply", peer: "-", limit: .atMost(0.15, "s"),
                computation: .median("service/serve/dmascope-start")),
        ]

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

    private static func call(_ name: String, _ limit: Double) -> Budget {
        Budget(
            name: "call: \(name)", peer: "-", limit: .atMost(limit, "ns"),
            computation: .median("calls/burst-32/dmascope-\(name)"))
    }

    /// A call of a C program by the inline functions of libdmadev.
    private static func libraryCall(_ name: String) -> Budget {
        Budget(
            name: "call from C: \(name)", peer: "DPDK skeleton", limit: .atMost(1.2, "×"),
            computation: .ratio("calls/burst-32/library-\(name)", "calls/burst-32/dpdk-\(name)"))
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
