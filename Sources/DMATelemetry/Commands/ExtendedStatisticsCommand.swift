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
            let counters = try channelCounters(request, in: registry)
            var reply = JSONValue.object()
            for row in ChannelCounter.table { reply.set(name: row.name, JSONValue(row.value(in: counters))) }
            return reply
        }
    }

    /// The counters that a request asks for: of one channel, or summed over all that the device ever had.
    static func channelCounters(
        _ request: TelemetryRequest, in registry: DeviceRegistry
    ) throws(TelemetryCommandError) -> ChannelCounters {
        var numbers = request.numbers
        let device = try device(&numbers, in: registry)
        let asked: UInt16? = try numbers.nextIfPresent("vchan_id", in: 0...UInt16.max)
        let count = try info(of: device).virtualChannelCount
        guard let vchan = asked, vchan != .max else {
            return (0..<device.properties.maximumVirtualChannelCount).compactMap { device.counters(of: $0) }
                .reduce(ChannelCounters(), +)
        }
        guard vchan < count else {
            throw TelemetryCommandError("vchan_id \(vchan): device \(device.id) has \(count) channels")
        }
        guard let counters = device.counters(of: vchan) else {
            throw TelemetryCommandError("vchan_id \(vchan) of device \(device.id) was not set up yet")
        }
        return counters
    }
}
