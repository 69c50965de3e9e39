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
        numbers: ["started", "nb_vchans", "max_vchans", "numa_node", "controller_id", "shared_engine", "observed"])
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
    static let member = PageFields(texts: ["domain_id", "os_domain"], numbers: ["handler", "creator", "pid"])
    /// `/dmadev/memory`
    static let memory = PageFields(numbers: ["count"])
    /// `/dmadev/memory`, a row of `kinds`
    static let memoryKind = PageFields(texts: ["kind"], numbers: ["regions", "bytes"])
    /// `/dmadev/memory`, a row of `regions`
    static let region = PageFields(
        texts: ["kind", "exporter"], numbers: ["region", "address", "length", "inode", "offset"])
    /// `/dmadev/interconnects`
    static let interconnects = PageFields(numbers: [
        "count", "mapped_bytes", "attached", "detached", "revocations", "revocation_timeouts", "failures",
    ])
    /// `/dmadev/interconnects`, the member `states`
    static let attachmentStates = PageFields(numbers: ["attached", "mapped", "revoking", "dead"])
    /// `/dmadev/interconnects`, a row of `fallbacks`, and one of an attachment, which has no `count`
    static let fallBack = PageFields(texts: ["interconnect", "reason"], numbers: ["count"])
    /// `/dmadev/interconnects`, a row of `attachments`
    static let attachment = PageFields(
        texts: ["state", "exporter", "importer", "interconnect", "choice", "direction", "last_error"],
        numbers: ["id", "inode", "bytes", "dev_id", "maps", "nb_ranges", "revoked_ns"])
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
    static let limits = (devices: 256, channels: 4096, groups: 32)
    /// The most members of a group, and the most devices of each, that are shown.
    static let memberLimit = 64
    /// The most buckets of a histogram.
    static let bucketLimit = 128
    /// The most regions and attachments, each, that are shown of one process, and the most dma-bufs of the machine.
    static let memoryLimit = 32
    /// The most uses of a region, fall-backs of an attachment, and holders of a dma-buf, each, that are shown.
    static let useLimit = 8
    /// The most events, failed calls and failed requests, each.
    static let recentLimit = 20
}
