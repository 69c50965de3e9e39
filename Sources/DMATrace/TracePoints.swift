import CDMATrace

/// One event that this program can record.
public struct TracePoint: Sendable {
    /// The provider, for example `dmadev`.
    public let provider: String
    /// The event's name within its provider, for example `copy`.
    public let name: String
    /// The log level in the notation of `lttng list --userspace`: `TRACE_INFO` for control, `TRACE_DEBUG` for data.
    public let level: String

    /// The row of the C table; LTTng sets the state in the row's tracepoint.
    fileprivate let row: Int

    /// Whether a tracing session records the event now; `false` in a process that has not created a device yet.
    public var isEnabled: Bool {
        dmatrace_tracepoint_enabled(TracePoints.table[row].tracepoint)
    }
}

/// All events that the providers of this program declare, whether or not LTTng is installed.
public enum TracePoints {
    /// The events in the order in which the providers declare them.
    ///
    /// C counterpart: `dmatrace_events`.
    public static var all: [TracePoint] {
        table.indices.map { row in
            let event = table[row]
            return TracePoint(
                provider: String(cString: event.provider), name: String(cString: event.name),
                level: String(cString: event.level_name), row: row)
        }
    }

    fileprivate static var table: UnsafeBufferPointer<dmatrace_event> {
        var count = 0
        let first = dmatrace_events(&count)
        return UnsafeBufferPointer(start: first, count: count)
    }
}
