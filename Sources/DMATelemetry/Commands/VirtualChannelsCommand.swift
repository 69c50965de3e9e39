internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/vchans,ID[,FIRST,COUNT]`: the configuration, state, ring use and ages of each channel.
    static func virtualChannels(_ registry: DeviceRegistry, stuckAfter stuckTime: Duration) -> TelemetryCommand {
        TelemetryCommand(
            path: "/dmadev/vchans",
            help: "Returns configuration, state, ring use and ages of each vchannel of a dmadev. "
                + "Parameters: int dev_id, first, count (Optional; at most count vchannels from first on)",
            parameters: [deviceParameter] + ReplyPart.parameters
        ) { request throws(TelemetryCommandError) in
            var numbers = request.numbers
            let device = try device(&numbers, in: registry)
            // Throws for a closed device, whose configuration may still be set.
            _ = try info(of: device)
            let channels = device.configuration?.channels ?? []
            if let part = try ReplyPart(&numbers) {
                return try part.reply(of: channels.count) { index throws(TelemetryCommandError) in
                    try row(device, UInt16(index), channels[index], stuckTime)
                }
            }
            var reply = JSONValue.array()
            for (index, configuration) in channels.enumerated() {
                reply.append(try row(device, UInt16(index), configuration, stuckTime))
            }
            return reply
        }
    }

    private static func row(
        _ device: DeviceView, _ vchan: UInt16, _ configuration: VirtualChannelConfiguration?,
        _ stuckTime: Duration
    ) throws(TelemetryCommandError) -> JSONValue {
        var row = JSONValue.object()
        row.set("vchan", vchan)
        guard let configuration else {
            row.set("state", "not set up")
            return row
        }
        let progress = device.progress(of: vchan)
        let use = device.ringUse(of: vchan)
        row.set("state", use == nil ? "stopped" : progress.state(stuckAfter: stuckTime).rawValue)
        row.set("direction", configuration.direction.name)
        row.set("nb_desc", configuration.descriptorCount)
        set("src_port", configuration.sourcePort, in: &row)
        set("dst_port", configuration.destinationPort, in: &row)
        row.set("domain", configuration.domain.type.name)
        row.set("src_handler", configuration.domain.sourceHandler)
        row.set("dst_handler", configuration.domain.destinationHandler)
        row.set("auto_free", configuration.autoFreePool == nil ? 0 : 1)
        if let use {
            row.set("burst_capacity", use.empty)
            row.set("pending", use.pending)
            row.set("running", use.running)
            row.set("completed", use.completed)
            row.set("next_ring_idx", use.nextIndex)
            row.set("last_ring_idx", use.lastIndex)
            // 0: no operation is in flight.
            if let age = progress.status == .idle ? .zero : progress.oldestOperationAge {
                row.set("oldest_ns", age.inNanoseconds)
            }
        }
        if let age = progress.lastCompletionAge { row.set("last_completion_ns", age.inNanoseconds) }
        return row
    }

    /// The port as text; of a PCIe port also the fields.
    private static func set(_ name: String, _ port: Port, in row: inout JSONValue) {
        row.set(name: name, JSONValue(port.description))
        guard port.type == .pcie else { return }
        var fields = JSONValue.object()
        for field in port.pcie.fields { fields.set(name: field.name, JSONValue(field.value)) }
        row.set(name: name + "_pcie", fields)
    }
}
