internal import CBabelTrace

/// One stream of a trace: the buffers of one processor, for one process or for all processes of a user.
struct TraceStream {
    /// What the losses of the stream are attributed to.
    let owner: String
    /// The process, if the trace is one process's.
    private let process: Int?
    private let processField: (index: UInt64, isSigned: Bool)?
    private var last: (processID: Int64, index: Int) = (.min, 0)
    /// Sums of counts that wrap.
    var discardedEvents: UInt64 = 0
    var discardedPackets: UInt64 = 0
    var hasUnknownDiscards = false

    init(_ stream: OpaquePointer, _ processes: TraceProcesses) {
        let trace = cbt_stream_borrow_trace_const(stream)
        func entry(_ name: String) -> OpaquePointer? {
            cbt_trace_borrow_environment_entry_value_by_name_const(trace, name)
        }
        let context = cbt_stream_class_borrow_event_common_context_field_class_const(
            cbt_stream_borrow_class_const(stream))
        processField = context.flatMap { EventLayout.members(of: $0)["vpid"] }
        if let own = entry("vpid") {
            let name = entry("procname").map { String(cString: cbt_value_string_get($0)) }
            let index = processes.index(of: Int(cbt_value_integer_signed_get(own)), name: name)
            owner = processes.all[index].label
            process = index
        } else {
            process = nil
            owner =
                entry("tracer_buffering_id").map { "the processes of user \(cbt_value_integer_signed_get($0))" }
                ?? "all processes"
        }
    }

    /// Whether its events name their process.
    var namesProcesses: Bool { process != nil || processField != nil }

    /// The process that has recorded an event.
    mutating func process(of event: OpaquePointer, _ processes: TraceProcesses) -> Int {
        if let process { return process }
        guard let processField, let context = cbt_event_borrow_common_context_field_const(event) else {
            return processes.index(of: -1, name: nil)
        }
        let field = cbt_field_structure_borrow_member_field_by_index_const(context, processField.index)
        let number =
            processField.isSigned
            ? cbt_field_integer_signed_get_value(field)
            : Int64(bitPattern: cbt_field_integer_unsigned_get_value(field))
        if number != last.processID { last = (number, processes.index(of: Int(number), name: nil)) }
        return last.index
    }
}
