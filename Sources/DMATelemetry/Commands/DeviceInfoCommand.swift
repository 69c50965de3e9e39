internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/info,ID`: the properties of a device: DPDK's keys in DPDK's order, then dmascope's.
    static func deviceInfo(_ registry: DeviceRegistry) -> TelemetryCommand {
        TelemetryCommand(
            path: "/dmadev/info", help: "Returns information for a dmadev. Parameters: int dev_id",
            parameters: [deviceParameter],
            generation: { registry.generation }
        ) { request throws(TelemetryCommandError) in
            let device = try device(request, in: registry)
            let info = try info(of: device)
            let properties = info.properties
            var reply = JSONValue.object()
            reply.set("name", info.name)
            reply.set("nb_vchans", info.virtualChannelCount)
            reply.set("nb_priorities", properties.priorityCount)
            reply.set("numa_node", properties.numaNode)
            reply.set("max_vchans", properties.maximumVirtualChannelCount)
            reply.set("max_desc", properties.maximumDescriptorCount)
            reply.set("min_desc", properties.minimumDescriptorCount)
            reply.set("max_sges", properties.maximumEntryCount)
            var capabilities = JSONValue.object()
            for (name, capability) in Capabilities.table {
                capabilities.set(name: name, properties.capabilities.contains(capability) ? 1 : 0)
            }
            reply.set("capabilities", capabilities)
            reply.set("nb_access_groups", properties.accessGroupCount)
            reply.set("controller_id", properties.controllerID.map(Int32.init) ?? -1)
            reply.set("class", properties.domainClass.rawValue)
            reply.set("driver", properties.driver)
            reply.set("shared_engine", properties.sharesEngine ? 1 : 0)
            reply.set("started", info.isStarted ? 1 : 0)
            if properties.isObserved { reply.set("observed", 1) }
            return reply
        }
    }
}
