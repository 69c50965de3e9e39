/// What of each reply is shown. A new figure of the page is a name here, once the telemetry has it.
///
/// What is of another kind than the name says is left out: the page reckons with it.
struct PageFields: Sendable {
    /// Members that are text.
    var texts: [String] = []
    /// Members that are numbers.
    var numbers: [String] = []

    /// `/dmadev/info`
    static let device = PageFields(
        texts: ["name", "driver", "class"],
        numbers: ["started", "nb_vchans", "max_vchans", "numa_node", "controller_id", "shared_engine"])
    /// `/dmadev/vchans`, a row
    static let channel = PageFields(
        texts: ["state", "direction", "domain"],
        numbers: ["src_handler", "dst_handler", "nb_desc", "pending", "running", "completed"])
    /// `/dmadev/xstats`, or what DPDK has of it in `/dmadev/stats`
    static let counters = PageFields(numbers: [
        "submitted", "completed", "errors", "bytes", "rejected_enqueues", "doorbells", "occupancy_high_water",
    ])
    /// `/dmadev/latency`
    static let latency = PageFields(numbers: ["count", "sum_ns", "p50_ns", "p90_ns", "p99_ns", "p99_9_ns"])
    /// `/dmadev/latency`, a bucket; without `below_ns` it is the last one, which has no bound
    static let bucket = PageFields(numbers: ["below_ns", "count"])
    /// `/dmadev/groups`, a row
    static let group = PageFields(
        texts: ["kind", "creator"], numbers: ["group_id", "controller_id", "size", "limit"])
    /// `/dmadev/group`, a member
    static let member = PageFields(texts: ["domain_id"], numbers: ["handler", "creator", "pid"])
    /// `/dmadev/events`, a row
    static let event = PageFields(
        texts: ["event", "domain_id"], numbers: ["number", "time_ns", "dev_id", "group_id", "handler"])
    /// `/dmadev/errors`, a row
    static let failedCall = PageFields(texts: ["call", "reason"], numbers: ["number", "time_ns", "dev_id", "errno"])
    /// `/telemetry/errors`, a row
    static let refusal = PageFields(texts: ["request", "reason"], numbers: ["time_ns"])

    /// Most devices, channels and access groups of a process that are shown.
    static let limits = (devices: 64, channels: 128, groups: 32)
    /// Most members of a group, and most windows that are counted of each.
    static let memberLimit = 64
    /// Most buckets of a histogram.
    static let bucketLimit = 128
    /// Most events, failed calls and refusals each.
    static let recentLimit = 20
}
