internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/controller/domains[,GROUP[,FIRST,COUNT]]`: the domains in the controller's groups, with the bytes that others have read from
    /// their windows and written to them.
    static func controllerDomains(_ controller: any ReportingController) -> TelemetryCommand {
        TelemetryCommand(
            path: "/controller/domains",
            help: "Returns the domains in the controller's groups, and the accesses to their windows. Parameters: "
                + "int group_id, first, count (Optional; at most count domains from first on)",
            parameters: [TelemetryParameter("group_id", "a group; the default and 65535 mean all", isOptional: true)]
                + ReplyPart.parameters
        ) { request throws(TelemetryCommandError) in
            var numbers = request.numbers
            let group: UInt16? = try numbers.nextIfPresent("group_id", in: 0...UInt16.max)
            let rows = controller.report().members.filter {
                group ?? .max == .max || Int($0.group) == group.map(Int.init)
            }
            if let part = try ReplyPart(&numbers) { return try part.reply(of: rows.count) { row(rows[$0]) } }
            var reply = JSONValue.array()
            for member in rows { reply.append(row(member)) }
            return reply
        }
    }

    private static func row(_ member: ControllerReport.Member) -> JSONValue {
        var row = JSONValue.object()
        row.set("group_id", member.group)
        row.set("handler", member.handler)
        row.set("domain_id", member.domain.description)
        row.set("pid", member.processID)
        if let name = member.osDomain { row.set("os_domain", name) }
        row.set(member.figures)
        return row
    }
}
