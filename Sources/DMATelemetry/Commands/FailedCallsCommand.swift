internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/errors[,COUNT]`: the last library calls that failed, newest first.
    static func failedCalls(_ registry: DeviceRegistry) -> TelemetryCommand {
        TelemetryCommand(
            path: "/dmadev/errors",
            help: "Returns the last failed dmadev calls, newest first. Parameters: int count (Optional, 32 by default)",
            parameters: [TelemetryParameter("count", "how many, up to 256", isOptional: true)]
        ) { request throws(TelemetryCommandError) in
            var numbers = request.numbers
            let count: UInt16 = try numbers.nextIfPresent("count", in: 0...256) ?? 32
            var reply = JSONValue.array()
            for call in registry.failedCalls(last: Int(count)) {
                var row = JSONValue.object()
                row.set("number", call.number)
                row.set("time_ns", call.time)
                row.set("call", call.call)
                row.set("dev_id", call.device)
                row.set("errno", call.errno)
                row.set("reason", call.reason)
                reply.append(row)
            }
            return reply
        }
    }
}
