public import DMADev
public import TelemetryWire

/// The telemetry commands over the devices of a registry.
///
/// A new command is one file beside the others in `Commands`, and one row here.
public enum DeviceCommands {
    /// Every command; hand it to a telemetry server.
    ///
    /// - Parameters:
    ///   - registry: whose devices are shown. They may come and go while clients ask: a device that is not there is null.
    ///   - controller: the one that this process is for others, if it is: its groups are shown too, and there are commands
    ///     about it.
    public static func table(
        for registry: DeviceRegistry = .shared, controller: (any ReportingController)? = nil
    ) -> [TelemetryCommand] {
        let commands = [
            deviceList(registry),
            deviceInfo(registry),
            deviceStatistics(registry),
            deviceDump(registry),
            deviceCapabilities(registry),
            virtualChannels(registry),
            extendedStatistics(registry),
            latency(registry),
            failedCalls(registry),
            accessGroups(registry, controller),
            accessGroup(registry, controller),
            groupEvents(registry),
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
        "vchan_id", "the channel; all when it is left out or 65535", isOptional: true)

    /// The device that a request names, as its handler's first parameter.
    static func device(
        _ numbers: inout TelemetryNumberReader, in registry: DeviceRegistry
    ) throws(TelemetryCommandError) -> DMADevice {
        let id: Int16 = try numbers.next("dev_id", in: 0...Int16.max)
        return try asking { () throws(DMAError) in try registry.device(id) }
    }

    /// The device that a request names, for commands without other parameters.
    static func device(
        _ request: TelemetryRequest, in registry: DeviceRegistry
    ) throws(TelemetryCommandError) -> DMADevice {
        var numbers = request.numbers
        return try device(&numbers, in: registry)
    }

    /// What a device is at this moment.
    static func info(of device: DMADevice) throws(TelemetryCommandError) -> DeviceInfo {
        try asking { () throws(DMAError) in try device.info }
    }

    /// Runs a call of the library; what it refuses becomes the reason why the reply is null.
    static func asking<R>(_ body: () throws(DMAError) -> R) throws(TelemetryCommandError) -> R {
        do throws(DMAError) {
            return try body()
        } catch {
            throw TelemetryCommandError(error.message)
        }
    }
}
