internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/errors[,COUNT]`: the failed library calls by kind: the kind that failed last comes first.
    static func failedCalls(_ registry: DeviceRegistry) -> TelemetryCommand {
        TelemetryCommand(
            path: "/dmadev/errors",
            help: "Returns the number of failed dmadev calls, and one row for each device, vchannel, call and reason, "
                + "the last to fail first. Parameters: int count (Optional, 32 rows by default)",
            parameters: [TelemetryParameter("count", "how many rows, up to 256", isOptional: true)]
        ) { request throws(TelemetryCommandError) in
            var numbers = request.numbers
            let count: UInt16 = try numbers.nextIfPresent("count", in: 0...256) ?? 32
            var rows = JSONValue.array()
            for call in registry.failedCalls(last: Int(count)) {
                var row = JSONValue.object()
                row.set("call", call.call)
                row.set("dev_id", call.device)
                row.set(name: "vchan", call.vchan.map { JSONValue($0) } ?? JSONValue())
                row.set("errno", call.errno)
                row.set("reason", call.reason)
                row.set("count", call.count)
                row.set("first_ns", call.first)
                row.set("last_ns", call.last)
                rows.append(row)
            }
            var reply = JSONValue.object()
            reply.set("count", registry.failedCallCount)
            reply.set("calls", rows)
            return reply
        }
    }
}
