internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/events[,COUNT]`: the last events of access groups, newest first: in the controller's process those that
    /// the controller has recorded, else those that the process's devices have received.
    static func groupEvents(
        _ registry: DeviceRegistry, _ controller: (any ReportingController)?
    ) -> TelemetryCommand {
        TelemetryCommand(
            path: "/dmadev/events",
            help: "Returns the last access group events, newest first. Parameters: int count (Optional, 32 by default)",
            parameters: [TelemetryParameter("count", "how many, up to 256", isOptional: true)]
        ) { request throws(TelemetryCommandError) in
            var numbers = request.numbers
            let count: UInt16 = try numbers.nextIfPresent("count", in: 0...256) ?? 32
            let log = controller?.groupEvents ?? registry.groupEvents
            var reply = JSONValue.array()
            for recorded in log.last(Int(count)) { reply.append(row(recorded)) }
            return reply
        }
    }

    private static func row(_ recorded: RecordedGroupEvent) -> JSONValue {
        let event = recorded.event
        var row = JSONValue.object()
        row.set("number", recorded.number)
        row.set("time_ns", recorded.time)
        row.set("dev_id", recorded.device ?? -1)
        row.set("event", event.kind.name)
        row.set("group_id", event.group)
        row.set("handler", event.handler)
        row.set("domain_id", event.domain.description)
        row.set("pid", event.processID)
        if let name = event.osDomain { row.set("os_domain", name) }
        if let userID = event.userID { row.set("uid", userID) }
        if event.device >= 0 { row.set("device", event.device) }
        if let window = event.window {
            row.set("iova", window.iova)
            row.set("length", window.length)
        }
        if let reason = event.reason { row.set("reason", reason.name) }
        return row
    }
}
