internal import DMATrace
internal import TelemetryWire

extension DeviceCommands {
    /// `/trace/list`: all tracepoints of the process, and whether each is enabled.
    static func traceList() -> TelemetryCommand {
        TelemetryCommand(
            path: "/trace/list",
            help: "Returns every tracepoint with its log level and whether a session records it. No parameters."
        ) { _ throws(TelemetryCommandError) in
            var reply = JSONValue.object()
            for point in TracePoints.all {
                var row = JSONValue.object()
                row.set("level", point.level)
                row.set("enabled", point.isEnabled ? 1 : 0)
                reply.set(name: "\(point.provider):\(point.name)", row)
            }
            return reply
        }
    }
}
