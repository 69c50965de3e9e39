internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/fault,ID[,PLAN]`: replaces the faults that a device of the driver `fault` injects. The plan has the words of
    /// the device's specification, and never a path.
    static func faults(_ registry: DeviceRegistry) -> TelemetryCommand {
        TelemetryCommand(
            path: "/dmadev/fault",
            help: "Replaces the faults that a device of the driver fault injects, and returns the new ones. "
                + "Parameters: int dev_id, string plan (Optional, for example every=100:bus_error,delay=5ms; "
                + "none without it). Needs the right control",
            parameters: [
                deviceParameter,
                TelemetryParameter(
                    "plan", "the faults, as in a device's specification; none without it", isOptional: true),
            ], right: .control
        ) { request throws(TelemetryCommandError) in
            var numbers = request.numbers
            let device = try device(&numbers, in: registry)
            guard numbers.isAtEnd || numbers.remainder.first == "," else {
                throw TelemetryCommandError("a comma must follow dev_id, not \"\(numbers.remainder.prefix(32))\"")
            }
            let plan = String(numbers.remainder.dropFirst())
            try calling { () throws(DMAError) in try device.setFaults(plan) }
            var reply = JSONValue.object()
            reply.set("dev_id", device.id)
            reply.set("faults", plan)
            return reply
        }
    }
}
