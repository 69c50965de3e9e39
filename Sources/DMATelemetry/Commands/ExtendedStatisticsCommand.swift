internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/xstats,ID[,VCHAN]`: every counter since the device was made; they never run backwards.
    static func extendedStatistics(_ registry: DeviceRegistry) -> TelemetryCommand {
        TelemetryCommand(
            path: "/dmadev/xstats",
            help: "Returns all counters of a dmadev, or of one vchannel, since it was made. "
                + "Parameters: int dev_id, vchan_id (Optional, all by default)",
            parameters: [deviceParameter, channelParameter]
        ) { request throws(TelemetryCommandError) in
            let details = try channelDetails(request, in: registry)
            var reply = object(details.statistics)
            reply.set("bytes", details.bytes)
            reply.set("ops_copy", details.copies)
            reply.set("ops_copy_sg", details.scatterGatherCopies)
            reply.set("ops_fill", details.fills)
            reply.set("ops_unknown", details.unknownOperations)
            for (name, status) in CompletionStatus.table {
                reply.set(name: "status_\(name)", details.statuses[status] ?? 0)
            }
            reply.set("rejected_enqueues", details.rejected)
            reply.set("doorbells", details.doorbells)
            reply.set("occupancy_high_water", details.highWater)
            reply.set("latency_count", details.latency.count)
            reply.set("latency_sum_ns", details.latency.sum)
            return reply
        }
    }

    /// The counters that a request asks for: of one channel, or summed over all that the device ever had.
    static func channelDetails(
        _ request: TelemetryRequest, in registry: DeviceRegistry
    ) throws(TelemetryCommandError) -> ChannelDetails {
        var numbers = request.numbers
        let device = try device(&numbers, in: registry)
        let asked: UInt16? = try numbers.nextIfPresent("vchan_id", in: 0...UInt16.max)
        let count = try info(of: device).virtualChannelCount
        guard let vchan = asked, vchan != .max else {
            return (0..<device.properties.maximumVirtualChannelCount).compactMap { device.details(of: $0) }
                .reduce(ChannelDetails(), +)
        }
        guard vchan < count else {
            throw TelemetryCommandError("vchan_id \(vchan): device \(device.id) has \(count) channels")
        }
        guard let details = device.details(of: vchan) else {
            throw TelemetryCommandError("vchan_id \(vchan) of device \(device.id) was not set up yet")
        }
        return details
    }
}
