internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/controller/peers[,PID]`: the devices of other processes, with what the controller has moved for each.
    ///
    /// What begins with `claimed_` is the application's word, which nobody can check.
    static func controllerPeers(_ controller: any ReportingController) -> TelemetryCommand {
        TelemetryCommand(
            path: "/controller/peers",
            help: "Returns who is connected with the controller, and what it moved for them. Parameters: int pid "
                + "(Optional)",
            parameters: [TelemetryParameter("pid", "a process; all when left out", isOptional: true)]
        ) { request throws(TelemetryCommandError) in
            var numbers = request.numbers
            let pid: Int32? = try numbers.nextIfPresent("pid", in: 0...Int32.max)
            var reply = JSONValue.array()
            for connection in controller.report().connections where pid == nil || connection.processID == pid {
                var row = JSONValue.object()
                row.set("number", connection.number)
                row.set("pid", connection.processID)
                row.set("uid", connection.userID)
                row.set("domains", JSONValue.array(connection.domains.map(\.description)))
                row.set("groups", JSONValue.array(connection.groups))
                row.set(connection.figures)
                reply.append(row)
            }
            return reply
        }
    }
}
