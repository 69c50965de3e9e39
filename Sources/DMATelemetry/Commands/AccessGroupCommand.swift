internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/group,GROUP[,ID]`: one access group with its members and their windows. Never a token.
    static func accessGroup(
        _ registry: DeviceRegistry, _ controller: (any ReportingController)?
    ) -> TelemetryCommand {
        TelemetryCommand(
            path: "/dmadev/group",
            help: "Returns an access group with its members. Parameters: int group_id, dev_id (Optional if only one "
                + "controller)",
            parameters: [
                TelemetryParameter("group_id", "the group, from /dmadev/groups"),
                TelemetryParameter("dev_id", "a device that is in it; any when left out", isOptional: true),
            ]
        ) { request throws(TelemetryCommandError) in
            var numbers = request.numbers
            let id: AccessGroupID = try numbers.next("group_id", in: 0...AccessGroupID.max)
            guard let seen = try seenGroups(numbers, in: registry, controller).first(where: { $0.info.id == id }) else {
                throw TelemetryCommandError("this process has no access group \(id)")
            }
            var members = JSONValue.array()
            for member in seen.info.members { members.append(row(member)) }
            var reply = seen.summary
            reply.set("members", members)
            return reply
        }
    }

    private static func row(_ member: AccessGroupMember) -> JSONValue {
        var windows = JSONValue.array()
        for window in member.windows {
            var row = JSONValue.object()
            row.set("iova", window.iova)
            row.set("length", window.length)
            row.set("read", window.rights.contains(.read) ? 1 : 0)
            row.set("write", window.rights.contains(.write) ? 1 : 0)
            windows.append(row)
        }
        var row = JSONValue.object()
        row.set("domain_id", member.domain.description)
        row.set("handler", member.handler)
        row.set("creator", member.isCreator ? 1 : 0)
        row.set("pid", member.processID)
        if let name = member.osDomain { row.set("os_domain", name) }
        row.set("devices", JSONValue.array(member.devices))
        row.set("windows", windows)
        return row
    }
}
