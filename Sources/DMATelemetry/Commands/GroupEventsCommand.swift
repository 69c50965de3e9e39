internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/events[,COUNT]`: the last events of the access groups of the process's devices, newest first.
    static func groupEvents(_ registry: DeviceRegistry) -> TelemetryCommand {
        TelemetryCommand(
            path: "/dmadev/events",
            help: "Returns the last access group events, newest first. Parameters: int count (Optional, 32 by default)",
            parameters: [TelemetryParameter("count", "how many, up to 256", isOptional: true)]
        ) { request throws(TelemetryCommandError) in
            var numbers = request.numbers
            let count: UInt16 = try numbers.nextIfPresent("count", in: 0...256) ?? 32
            var reply = JSONValue.array()
            for received in registry.accessGroupEvents(last: Int(count)) {
                var row = JSONValue.object()
                row.set("number", received.number)
                row.set("time_ns", received.time)
                row.set("dev_id", received.device)
                row.set("event", received.event.kind.name)
                row.set("group_id", received.event.group)
                row.set("handler", received.event.handler)
                row.set("domain_id", received.event.domain.description)
                reply.append(row)
            }
            return reply
        }
    }
}
