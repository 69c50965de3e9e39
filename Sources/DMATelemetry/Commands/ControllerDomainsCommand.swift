internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/controller/domains[,GROUP]`: the domains in the controller's groups, with the bytes that others have read from
    /// their windows and written to them.
    static func controllerDomains(_ controller: any ReportingController) -> TelemetryCommand {
        TelemetryCommand(
            path: "/controller/domains",
            help: "Returns the domains in the controller's groups, and the accesses to their windows. Parameters: "
                + "int group_id (Optional)",
            parameters: [TelemetryParameter("group_id", "a group; all when left out", isOptional: true)]
        ) { request throws(TelemetryCommandError) in
            var numbers = request.numbers
            let group: AccessGroupID? = try numbers.nextIfPresent("group_id", in: 0...AccessGroupID.max)
            var reply = JSONValue.array()
            for member in controller.report().members where group == nil || member.group == group {
                var row = JSONValue.object()
                row.set("group_id", member.group)
                row.set("handler", member.handler)
                row.set("domain_id", member.domain.description)
                row.set("pid", member.processID)
                if let name = member.osDomain { row.set("os_domain", name) }
                row.set(member.figures)
                reply.append(row)
            }
            return reply
        }
    }
}
