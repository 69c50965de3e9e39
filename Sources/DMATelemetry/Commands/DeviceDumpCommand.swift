internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/dump,ID`: a device as text.
    static func deviceDump(_ registry: DeviceRegistry) -> TelemetryCommand {
        TelemetryCommand(
            path: "/dmadev/dump", help: "Returns dump information for a dmadev. Parameters: int dev_id",
            parameters: [deviceParameter]
        ) { request throws(TelemetryCommandError) in
            let device = try device(request, in: registry)
            return JSONValue(try calling { () throws(DMAError) in try device.dump() })
        }
    }
}
