internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/stats_reset,ID[,VCHAN]`: sets the counters of `/dmadev/stats` to 0, as `rte_dma_stats_reset` does. Counters
    /// since the creation of the device do not change.
    static func statisticsReset(_ registry: DeviceRegistry) -> TelemetryCommand {
        TelemetryCommand(
            path: "/dmadev/stats_reset",
            help: "Sets the counters of /dmadev/stats to 0 and returns them as they were before. "
                + "Parameters: int dev_id, vchan_id (Optional, all by default). Needs the right reset",
            parameters: [deviceParameter, channelParameter], right: .reset
        ) { request throws(TelemetryCommandError) in
            var numbers = request.numbers
            let device = try device(&numbers, in: registry)
            let requested = try numbers.nextIfPresent("vchan_id", in: 0...UInt16.max)
            let vchan = requested == .max ? nil : requested
            let before = try calling { () throws(DMAError) in
                let before = try device.statistics(of: vchan)
                try device.resetStatistics(of: vchan)
                return before
            }
            var reply = JSONValue.object()
            pass(before) { reply.set($0, $1) }
            return reply
        }
    }
}
