internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/xstats,ID[,VCHAN]` and `/dmadev/xstats,ID,FIRST,COUNT`: all counters since the device was created. They
    /// never decrease. A channel of an observed device has further members, some of which do.
    static func extendedStatistics(_ registry: DeviceRegistry) -> TelemetryCommand {
        countersCommand(
            "/dmadev/xstats", help: "Returns all counters of a dmadev, or of one vchannel, since its creation. ",
            registry, isWhole: true
        ) { counters, reply in
            for row in ChannelCounter.table { reply.set(name: row.name, JSONValue(row.value(in: counters))) }
        }
    }

    /// A command about the counters of one channel or of all, or of a part of the channels with a row for each.
    ///
    /// - Parameter isWhole: whether a channel's own counters follow.
    static func countersCommand(
        _ path: String, help: String, _ registry: DeviceRegistry, isWhole: Bool = false,
        _ set: @escaping @Sendable (ChannelCounters, inout JSONValue) -> Void
    ) -> TelemetryCommand {
        TelemetryCommand(
            path: path,
            help: help + "Parameters: int dev_id, vchan_id (Optional, all by default); or int dev_id, first, count (an "
                + "array of at most count vchannels from first on)",
            parameters: [deviceParameter, channelParameter, ReplyPart.parameters[1]]
        ) { request throws(TelemetryCommandError) in
            var numbers = request.numbers
            let device = try device(&numbers, in: registry)
            let requested: UInt16? = try numbers.nextIfPresent("vchan_id", in: 0...UInt16.max)
            let count = try info(of: device).virtualChannelCount
            func add(_ vchan: UInt16, to row: inout JSONValue) {
                guard isWhole else { return }
                for (name, value) in device.additionalCounters(of: vchan) { row.set(name: name, JSONValue(value)) }
            }
            if let requested, let part = try ReplyPart(first: requested, &numbers) {
                return try part.reply(of: Int(count)) { index in
                    var row = JSONValue.object()
                    row.set("vchan", UInt16(index))
                    // A channel that is not set up has none.
                    if let counters = device.counters(of: UInt16(index)) { set(counters, &row) }
                    add(UInt16(index), to: &row)
                    return row
                }
            }
            var reply = JSONValue.object()
            set(try counters(of: requested, of: device, count), &reply)
            if let requested, requested != .max { add(requested, to: &reply) }
            return reply
        }
    }

    /// The counters of the requested channel, or the sum of all channels that the device has ever had.
    private static func counters(
        of requested: UInt16?, of device: DeviceView, _ count: UInt16
    ) throws(TelemetryCommandError) -> ChannelCounters {
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
