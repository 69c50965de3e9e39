internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/event_counts`: how many events of each kind `/dmadev/events` has had, those that it no longer returns
    /// included.
    static func groupEventCounts(
        _ registry: DeviceRegistry, _ controller: (any ReportingController)?
    ) -> TelemetryCommand {
        TelemetryCommand(
            path: "/dmadev/event_counts",
            help: "Returns the number of access group events of each kind. No parameters"
        ) { _ in
            let log = controller?.groupEvents ?? registry.groupEvents
            var reply = JSONValue.object()
            for kind in AccessGroupEvent.Kind.allCases { reply.set(name: kind.name, log.count(of: kind)) }
            return reply
        }
    }
}
