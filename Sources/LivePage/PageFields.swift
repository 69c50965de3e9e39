/// What of each reply is shown. A new figure of the page is a name here, once the telemetry has it.
enum PageFields {
    /// `/dmadev/info`
    static let device = [
        "name", "driver", "started", "nb_vchans", "max_vchans", "numa_node", "controller_id", "class", "shared_engine",
    ]
    /// `/dmadev/vchans`, a row
    static let channel = [
        "state", "direction", "domain", "src_handler", "dst_handler", "nb_desc", "pending", "running", "completed",
    ]
    /// `/dmadev/xstats`, or what DPDK has of it in `/dmadev/stats`
    static let counters = [
        "submitted", "completed", "errors", "bytes", "rejected_enqueues", "doorbells", "occupancy_high_water",
    ]
    /// `/dmadev/latency`
    static let latency = ["count", "sum_ns", "p50_ns", "p90_ns", "p99_ns", "p99_9_ns"]
    /// `/dmadev/latency`, a bucket; without `below_ns` it is the last one, which has no bound
    static let bucket = ["below_ns", "count"]
    /// `/dmadev/groups`, a row
    static let group = ["group_id", "controller_id", "kind", "size", "limit", "creator"]
    /// `/dmadev/group`, a member
    static let member = ["domain_id", "handler", "creator", "pid"]
    /// `/dmadev/events`, a row
    static let event = ["number", "time_ns", "dev_id", "event", "group_id", "handler", "domain_id"]
    /// `/dmadev/errors`, a row
    static let failedCall = ["number", "time_ns", "call", "dev_id", "errno", "reason"]
    /// `/telemetry/errors`, a row
    static let refusal = ["time_ns", "request", "reason"]

    /// Most devices of a process that are shown.
    static let deviceLimit = 64
    /// Most channels of a process that are shown.
    static let channelLimit = 128
    /// Most access groups of a process that are shown.
    static let groupLimit = 32
    /// Most members of a group, and most windows that are counted of each.
    static let memberLimit = 64
    /// Most buckets of a histogram.
    static let bucketLimit = 128
    /// Most events, failed calls and refusals each.
    static let recentLimit = 20
}
