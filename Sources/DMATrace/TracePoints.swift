import CDMATrace

/// One event that this program can record.
public struct TracePoint: Sendable {
    /// The provider, `dmadev` for one.
    public let provider: String
    /// The event's name within its provider, `copy` for one.
    public let name: String
    /// The log level as `lttng list --userspace` spells it: `TRACE_INFO` for control, `TRACE_DEBUG` for data.
    public let level: String

    /// Row of the C table, in whose tracepoint LTTng keeps the state.
    fileprivate let row: Int

    /// Whether a tracing session records the event right now; `false` in a process that has had no device yet.
    public var isEnabled: Bool {
        dmatrace_tracepoint_enabled(TracePoints.table[row].tracepoint)
    }
}

/// Every event that the providers of this program declare, whether or not LTTng is there.
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
