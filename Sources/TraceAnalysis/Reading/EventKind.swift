/// The events that the analysis understands, with the fields that it reads.
///
/// The order of the fields is that of the slots of ``TraceEvent``.
public enum EventKind: UInt8, CaseIterable, Sendable {
    case copy, copyScatterGather, fill, submit, completed, completedStatus, enqueueOperations, dequeueOperations
    case enqueueRejected, burst
    case deviceAdded, deviceRemoved, configure, start, stop, close, channelSetup
    case ringAttach, ringMapped, ringDetach, sleep, wake, operationStart, operationFinish, completedBurst
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
        case .completedStatus: ("dmadev:completed_status", ["dev_id", "vchan", "ret", "last_idx"])
        case .enqueueOperations:
            ("dmadev:enqueue_ops", ["dev_id", "vchan", "ret", "op_flags", "nb_src", "src_len"])
        case .dequeueOperations: ("dmadev:dequeue_ops", ["dev_id", "vchan", "ret"])
        case .enqueueRejected: ("dmadev:enqueue_rejected", ["dev_id", "vchan"])
        case .burst:
            (
                "dmadev:burst",
                [
                    "dev_id", "vchan", "nb_rung", "ring_idx", "kind", "length", "nb_src", "nb_dst", "sg_len", "flags",
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
        case .otherCall: ("", ["ret"])
        case .other: ("", [])
        }
    }

    static let byName = Dictionary(
        uniqueKeysWithValues: allCases.filter { !$0.name.isEmpty }.map { ($0.name, $0) })
}
