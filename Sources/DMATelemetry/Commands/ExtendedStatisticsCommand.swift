internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/xstats,ID[,VCHAN]`: all counters since the device was created. They never decrease.
    static func extendedStatistics(_ registry: DeviceRegistry) -> TelemetryCommand {
        TelemetryCommand(
            path: "/dmadev/xstats",
            help: "Returns all counters of a dmadev, or of one vchannel, since its creation. "
                + "Parameters: int dev_id, vchan_id (Optional, all by default)",
            parameters: [deviceParameter, channelParameter]
        ) { request throws(TelemetryCommandError) in
            let counters = try channelCounters(request, in: registry)
            var reply = JSONValue.object()
            for row in ChannelCounter.table { reply.set(name: row.name, JSONValue(row.value(in: counters))) }
            return reply
        }
    }

    /// The counters of the requested channel, or the sum of all channels that the device has ever had.
    static func channelCounters(
        _ request: TelemetryRequest, in registry: DeviceRegistry
    ) throws(TelemetryCommandError) -> ChannelCounters {
        var numbers = request.numbers
        let device = try device(&numbers, in: registry)
        let requested: UInt16? = try numbers.nextIfPresent("vchan_id", in: 0...UInt16.max)
        let count = try info(of: device).virtualChannelCount
        guard let vchan = requested, vchan != .max else {
            return (0..<device.properties.maximumVirtualChannelCount).compactMap { device.counters(of: $0) }
                .reduce(ChannelCounters(), +)
        }
        guard vchan < count else {
            throw TelemetryCommandError("vchan_id \(vchan): device \(device.id) has \(count) channels")
        }
        guard let counters = device.counters(of: vchan) else {
            throw TelemetryCommandError("vchan_id \(vchan) of device \(device.id) is not set up")
        }
        return counters
    }
}
