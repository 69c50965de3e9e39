internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/groups[,ID]`: the access groups that devices are in, and all groups of this process's controller. A
    /// group with several devices of one controller is reported once.
    static func accessGroups(
        _ registry: DeviceRegistry, _ controller: (any ReportingController)?
    ) -> TelemetryCommand {
        TelemetryCommand(
            path: "/dmadev/groups",
            help: "Returns the access groups of all dmadevs, or of one. Parameters: int dev_id (Optional)",
            parameters: [
                TelemetryParameter("dev_id", "the device, from /dmadev/list; all when left out", isOptional: true)
            ]
        ) { request throws(TelemetryCommandError) in
            var reply = JSONValue.array()
            for seen in try seenGroups(request.numbers, in: registry, controller) { reply.append(seen.summary) }
            return reply
        }
    }

    /// A group, and the devices of this process that are in it.
    struct SeenGroup {
        let controller: UInt16?
        let info: AccessGroupInfo
        var devices: [Int16]

        /// The members that every command reports of a group.
        var summary: JSONValue {
            var row = JSONValue.object()
            row.set("group_id", info.id)
            row.set("controller_id", controller.map(Int32.init) ?? -1)
            row.set("kind", info.kind.name)
            row.set("size", info.members.count)
            row.set("limit", info.kind.memberLimit)
            row.set("creator", info.members.first { $0.isCreator }?.domain.description ?? "")
            row.set("devices", JSONValue.array(devices))
            return row
        }
    }

    /// The groups of the device that the next number of a request names; without a number, those of all devices.
    static func seenGroups(
        _ numbers: TelemetryNumberReader, in registry: DeviceRegistry, _ ownController: (any ReportingController)?
    ) throws(TelemetryCommandError) -> [SeenGroup] {
        var numbers = numbers
        let id: Int16? = try numbers.nextIfPresent("dev_id", in: 0...Int16.max)
        var groups: [SeenGroup] = []
        let devices: [DeviceView]
        if let id {
            devices = [try calling { () throws(DMAError) in try registry.view(of: id) }]
        } else {
            devices = registry.views
            let report = ownController?.report()
            groups = (report?.groups ?? []).map {
                SeenGroup(controller: report?.controllerID, info: $0, devices: [])
            }
        }
        for device in devices {
            let controller = device.properties.controllerID
            for info in device.accessGroups {
                // Groups of different devices are the same only if their controllers have the same number.
                let known = groups.firstIndex {
                    controller != nil && $0.controller == controller && $0.info.id == info.id
                }
                if let known {
                    groups[known].devices.append(device.id)
                } else {
                    groups.append(SeenGroup(controller: controller, info: info, devices: [device.id]))
                }
            }
        }
        return groups.sorted { ($0.controller ?? .max, $0.info.id) < ($1.controller ?? .max, $1.info.id) }
    }
}
