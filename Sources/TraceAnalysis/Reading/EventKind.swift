/// The events that the analysis understands, with the fields that it reads.
///
/// The order of the fields is that of the slots of ``TraceEvent``.
public enum EventKind: UInt8, CaseIterable, Sendable {
    case copy, copyScatterGather, fill, submit, completed, completedStatus, enqueueOperations, dequeueOperations
    case enqueueRejected, burst
    case deviceAdded, deviceRemoved, configure, start, stop, close, channelSetup
    case ringAttach, ringMapped, ringDetach, sleep, wake, operationStart, operationFinish, completedBurst
    case groupCreated, groupDestroyed, memberJoined, memberLeft, deviceJoined, deviceLeft, handlerRevoked
    case windowAdded, windowRemoved, joinDenied, accessRefused
    case bufferAllocated, memoryMapped, memoryUnmapped
    case regionRegistered, regionFileRegistered, regionAttached, regionReceived, regionUnregistered, regionDetached
    case regionMapped, regionUnmapped
    case attachmentMade, attachmentFallback, attachmentMapped, attachmentRevoked, attachmentDetached
    /// Any other call with a result, and any other event.
    case otherCall, other

    /// The event's name with its provider; empty for the last two, which are many events each.
    public var name: String { table.name }

    /// The names of the fields that are read.
    var fields: [String] { table.fields }

    private var table: (name: String, fields: [String]) {
        switch self {
        case .copy: ("dmadev:copy", ["dev_id", "vchan", "ret", "flags", "length"])
        case .copyScatterGather: ("dmadev:copy_sg", ["dev_id", "vchan", "ret", "flags", "nb_src", "src_len"])
        case .fill: ("dmadev:fill", ["dev_id", "vchan", "ret", "flags", "length"])
        case .submit: ("dmadev:submit", ["dev_id", "vchan", "ret"])
        case .completed: ("dmadev:completed", ["dev_id", "vchan", "ret", "last_idx"])
        case .completedStatus: ("dmadev:completed_status", ["dev_id", "vchan", "ret", "last_idx", "statuses"])
        case .enqueueOperations:
            ("dmadev:enqueue_ops", ["dev_id", "vchan", "ret", "op_flags", "nb_src", "src_len"])
        case .dequeueOperations: ("dmadev:dequeue_ops", ["dev_id", "vchan", "ret"])
        case .enqueueRejected: ("dmadev:enqueue_rejected", ["dev_id", "vchan"])
        case .burst:
            (
                "dmadev:burst",
                [
                    "dev_id", "vchan", "nb_ops", "ring_idx", "kind", "length", "nb_src", "nb_dst", "sg_len", "flags",
                    "first",
                ]
            )
        case .deviceAdded: ("dmadev:device_added", ["dev_id", "ret", "name", "driver"])
        case .deviceRemoved: ("dmadev:device_removed", ["dev_id"])
        case .configure: ("dmadev:configure", ["dev_id", "ret"])
        case .start: ("dmadev:start", ["dev_id", "ret"])
        case .stop: ("dmadev:stop", ["dev_id", "ret"])
        case .close: ("dmadev:close", ["dev_id", "ret"])
        case .channelSetup: ("dmadev:vchan_setup", ["dev_id", "vchan", "ret", "nb_desc"])
        case .ringAttach:
            ("dmadev_engine:ring_attach", ["engine", "ring", "dev_id", "vchan", "nb_desc", "pid", "connection"])
        case .ringMapped: ("dmadev_engine:ring_mapped", ["ring", "dev_id", "vchan"])
        case .ringDetach:
            (
                "dmadev_engine:ring_detach",
                ["engine", "ring", "dev_id", "vchan", "aborted", "completed", "errors", "bytes", "latencies"]
            )
        case .sleep: ("dmadev_engine:sleep", ["engine"])
        case .wake: ("dmadev_engine:wake", ["engine"])
        case .operationStart:
            ("dmadev_engine:operation_start", ["engine", "ring", "dev_id", "vchan", "ring_idx", "kind"])
        case .operationFinish:
            ("dmadev_engine:operation_finish", ["engine", "ring", "dev_id", "vchan", "ring_idx", "status"])
        case .completedBurst:
            (
                "dmadev_engine:completed_burst",
                [
                    "engine", "ring", "dev_id", "vchan", "ring_idx", "status", "batch_nb_ops", "since_doorbell",
                    "since_start",
                ]
            )
        case .groupCreated: ("dmadev_group:group_created", ["group_id", "handler", "domain", "pid", "limit"])
        case .groupDestroyed: ("dmadev_group:group_destroyed", ["group_id", "reason"])
        case .memberJoined: ("dmadev_group:member_joined", ["group_id", "handler", "domain", "pid"])
        case .memberLeft: ("dmadev_group:member_left", ["group_id", "handler", "domain", "pid", "died"])
        case .deviceJoined: ("dmadev_group:device_joined", ["group_id"])
        case .deviceLeft: ("dmadev_group:device_left", ["group_id"])
        case .handlerRevoked: ("dmadev_group:handler_revoked", ["group_id"])
        case .windowAdded: ("dmadev_group:window_added", ["group_id", "length"])
        case .windowRemoved: ("dmadev_group:window_removed", ["group_id", "length"])
        case .joinDenied: ("dmadev_group:join_denied", ["group_id", "pid", "uid", "error"])
        case .accessRefused: ("dmadev_group:access_refused", ["group_id", "handler", "by", "length", "status"])
        case .bufferAllocated: ("dmadev:buffer_alloc", ["ret", "length"])
        case .memoryMapped: ("dmadev:dma_map", ["ret", "dev_id", "iova", "length"])
        case .memoryUnmapped: ("dmadev:dma_unmap", ["ret", "dev_id", "iova"])
        case .regionRegistered: ("dmadev:extmem_register", ["ret", "region", "length"])
        case .regionFileRegistered: ("dmadev:extmem_register_dmabuf", ["ret", "region", "length"])
        case .regionAttached: ("dmadev:extmem_attach", ["ret", "region", "length"])
        case .regionReceived: ("dmadev:extmem_receive", ["ret"])
        case .regionUnregistered: ("dmadev:extmem_unregister", ["ret", "region"])
        case .regionDetached: ("dmadev:extmem_detach", ["ret", "region"])
        case .regionMapped: ("dmadev:extmem_map", ["ret", "dev_id", "iova", "length"])
        case .regionUnmapped: ("dmadev:extmem_unmap", ["ret", "dev_id", "iova"])
        case .attachmentMade: ("dmadev:interconnect_attach", ["ret", "attachment", "bytes"])
        case .attachmentFallback: ("dmadev:interconnect_fallback", ["ret", "interconnect", "reason"])
        case .attachmentMapped: ("dmadev:interconnect_map", ["ret", "bytes"])
        case .attachmentRevoked: ("dmadev:interconnect_revoke", ["ret"])
        case .attachmentDetached: ("dmadev:interconnect_detach", ["ret", "attachment"])
        case .otherCall: ("", ["ret"])
        case .other: ("", [])
        }
    }

    /// Whether it is a call about memory, or about a buffer of another one. The first of its fields is the result.
    var isAboutMemory: Bool { (Self.bufferAllocated.rawValue...Self.attachmentDetached.rawValue).contains(rawValue) }

    /// Whether it is an event of an access group.
    var isAboutGroup: Bool { (Self.groupCreated.rawValue...Self.accessRefused.rawValue).contains(rawValue) }

    static let byName = Dictionary(
        uniqueKeysWithValues: allCases.filter { !$0.name.isEmpty }.map { ($0.name, $0) })
}
