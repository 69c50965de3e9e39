public import DMADev
public import MachineInventory
public import TelemetryWire

/// The telemetry commands about the devices of a registry.
///
/// A new command is one file in `Commands` and one row here.
public enum DeviceCommands {
    /// All commands, for a telemetry server.
    ///
    /// - Parameters:
    ///   - registry: the devices to report. They may be added and removed at any time: the reply for a missing device
    ///     is null.
    ///   - controller: this process's controller, if it has one. Its groups, their events and its engines are
    ///     reported too, and there are commands about it.
    ///   - inventory: reads the dma-bufs of the machine.
    ///   - stuckTime: the time without a finished operation after which an active channel is reported as stuck.
    public static func table(
        for registry: DeviceRegistry = .shared, controller: (any ReportingController)? = nil,
        inventory: InventoryReader = InventoryReader(),
        stuckAfter stuckTime: Duration = ChannelProgress.defaultStuckTime
    ) -> [TelemetryCommand] {
        let commands = [
            deviceList(registry),
            deviceInfo(registry),
            deviceStatistics(registry),
            statisticsReset(registry),
            deviceDump(registry),
            deviceCapabilities(registry),
            virtualChannels(registry, stuckAfter: stuckTime),
            engines(registry, controller),
            memory(registry),
            extendedStatistics(registry),
            latency(registry),
            failedCalls(registry),
            faults(registry),
            accessGroups(registry, controller),
            accessGroup(registry, controller),
            groupEvents(registry, controller),
            groupEventCounts(registry, controller),
            interconnects(registry),
            machineBuffers(inventory),
            machineBuffer(inventory),
            traceList(),
        ]
        guard let controller else { return commands }
        return commands + [
            controllerInfo(controller),
            controllerPeers(controller),
            controllerDomains(controller),
        ]
    }

    static let deviceParameter = TelemetryParameter("dev_id", "the device, from /dmadev/list")
    static let channelParameter = TelemetryParameter(
        "vchan_id", "the channel; the default and 65535 mean all", isOptional: true)

    /// The device that the first number of a request names.
    static func device(
        _ numbers: inout TelemetryNumberReader, in registry: DeviceRegistry
    ) throws(TelemetryCommandError) -> DeviceView {
        let id: Int16 = try numbers.next("dev_id", in: 0...Int16.max)
        return try calling { () throws(DMAError) in try registry.view(of: id) }
    }

    /// The device that a request without other parameters names.
    static func device(
        _ request: TelemetryRequest, in registry: DeviceRegistry
    ) throws(TelemetryCommandError) -> DeviceView {
        var numbers = request.numbers
        return try device(&numbers, in: registry)
    }

    static func info(of device: DeviceView) throws(TelemetryCommandError) -> DeviceInfo {
        try calling { () throws(DMAError) in try device.info }
    }

    /// Runs a library call; its error becomes the reason for a null reply.
    static func calling<R>(_ body: () throws(DMAError) -> R) throws(TelemetryCommandError) -> R {
        do throws(DMAError) {
            return try body()
        } catch {
            throw TelemetryCommandError(error.message)
        }
    }
}
