internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/stats,ID[,VCHAN]`: counters since the last reset; 65535 stands for all channels, as in the C call.
    static func deviceStatistics(_ registry: DeviceRegistry) -> TelemetryCommand {
        TelemetryCommand(
            path: "/dmadev/stats",
            help: "Returns the stats for a dmadev vchannel. "
                + "Parameters: int dev_id, vchan_id (Optional if only one vchannel)",
            parameters: [
                deviceParameter,
                TelemetryParameter(
                    "vchan_id", "the channel, or 65535 for all; optional if there is only one", isOptional: true),
            ],
            generation: { registry.generation }
        ) { request throws(TelemetryCommandError) in
            var numbers = request.numbers
            let device = try device(&numbers, in: registry)
            let vchan: UInt16
            if let requested = try numbers.nextIfPresent("vchan_id", in: 0...UInt16.max) {
                vchan = requested
            } else {
                let count = try info(of: device).virtualChannelCount
                guard count == 1 else {
                    throw TelemetryCommandError("vchan_id is missing: device \(device.id) has \(count) channels")
                }
                vchan = 0
            }
            // Not the device: it would be kept as long as the reply is.
            let (id, channel) = (device.id, vchan == .max ? nil : vchan)
            return { set throws(TelemetryCommandError) in
                let statistics = try calling { () throws(DMAError) in
                    try registry.view(of: id).statistics(of: channel)
                }
                pass(statistics, to: set)
            }
        }
    }

    /// The three counters of the C call, under DPDK's keys.
    static func pass(_ statistics: Statistics, to set: (StaticString, UInt64) -> Void) {
        set("submitted", statistics.submitted)
        set("completed", statistics.completed)
        set("errors", statistics.errors)
    }
}
