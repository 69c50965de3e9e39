internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/list`: the ids of all devices.
    static func deviceList(_ registry: DeviceRegistry) -> TelemetryCommand {
        TelemetryCommand(
            path: "/dmadev/list", help: "Returns list of available dmadev devices by IDs. No parameters.",
            generation: { registry.generation }
        ) { _ throws(TelemetryCommandError) in
            JSONValue.array(registry.views.map(\.id))
        }
    }
}
