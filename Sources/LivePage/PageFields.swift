/// The members of each reply that are shown. To show another member, add its name here.
///
/// A member of another kind is left out, and the page must work without it.
struct PageFields: Sendable {
    /// Names of text members.
    var texts: [String] = []
    /// Names of number members.
    var numbers: [String] = []

    /// `/dmadev/info`
    static let device = PageFields(
        texts: ["name", "driver", "class"],
        numbers: ["started", "nb_vchans", "max_vchans", "numa_node", "controller_id", "shared_engine"])
    /// `/dmadev/vchans`, a row
    static let channel = PageFields(
        texts: ["state", "direction", "domain"],
        numbers: ["src_handler", "dst_handler", "nb_desc", "pending", "running", "completed"])
    /// `/dmadev/xstats`; for DPDK those of `/dmadev/stats`
    static let counters = PageFields(numbers: [
        "submitted", "completed", "errors", "bytes", "rejected_enqueues", "doorbells", "occupancy_high_water",
    ])
    /// `/dmadev/latency`
    static let latency = PageFields(numbers: ["count", "sum_ns", "p50_ns", "p90_ns", "p99_ns", "p99_9_ns"])
    /// `/dmadev/latency`, a bucket; the last one has no bound and no `below_ns`
    static let bucket = PageFields(numbers: ["below_ns", "count"])
    /// `/dmadev/groups`, a row
    static let group = PageFields(
        texts: ["kind", "creator"], numbers: ["group_id", "controller_id", "size", "limit"])
    /// `/dmadev/group`, a member
    static let member = PageFields(texts: ["domain_id"], numbers: ["handler", "creator", "pid"])
    /// `/dmadev/events`, a row
    static let event = PageFields(
        texts: ["event", "domain_id", "reason"],
        numbers: ["number", "time_ns", "dev_id", "group_id", "handler", "pid", "uid", "iova", "length"])
    /// `/dmadev/errors`, a row of `calls`
    static let failedCall = PageFields(
        texts: ["call", "reason"], numbers: ["dev_id", "vchan", "errno", "count", "first_ns", "last_ns"])
    /// `/telemetry/errors`, a row
    static let failedRequest = PageFields(texts: ["request", "reason"], numbers: ["time_ns"])

    /// The most devices, channels and access groups that are shown of one process.
    static let limits = (devices: 64, channels: 128, groups: 32)
    /// The most members of a group, and the most devices of each, that are shown.
    static let memberLimit = 64
    /// The most buckets of a histogram.
    static let bucketLimit = 128
    /// The most events, failed calls and failed requests, each.
    static let recentLimit = 20
}
