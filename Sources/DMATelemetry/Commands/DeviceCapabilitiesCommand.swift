internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/capabilities,ID`: each capability with its bit and whether the device has it.
    static func deviceCapabilities(_ registry: DeviceRegistry) -> TelemetryCommand {
        TelemetryCommand(
            path: "/dmadev/capabilities",
            help: "Returns each capability with its bit and whether the dmadev has it. Parameters: int dev_id",
            parameters: [deviceParameter],
            generation: { registry.generation }
        ) { request throws(TelemetryCommandError) in
            let device = try device(request, in: registry)
            let has = try info(of: device).properties.capabilities
            var reply = JSONValue.object()
            for (name, capability) in Capabilities.table {
                var row = JSONValue.object()
                row.set("bit", capability.rawValue.trailingZeroBitCount)
                row.set("supported", has.contains(capability) ? 1 : 0)
                reply.set(name: name, row)
            }
            return reply
        }
    }
}
