internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/controller/peers[,PID[,FIRST,COUNT]]`: the devices of other processes, with the bytes and operations that the controller has
    /// moved for each.
    ///
    /// The application reports the values of `claimed_…`; the controller cannot check them.
    static func controllerPeers(_ controller: any ReportingController) -> TelemetryCommand {
        TelemetryCommand(
            path: "/controller/peers",
            help: "Returns the controller's connections, and what it has moved for each. Parameters: int pid, "
                + "first, count (Optional; at most count connections from first on)",
            parameters: [TelemetryParameter("pid", "a process; the default and 0 mean all", isOptional: true)]
                + ReplyPart.parameters
        ) { request throws(TelemetryCommandError) in
            var numbers = request.numbers
            let pid: Int32? = try numbers.nextIfPresent("pid", in: 0...Int32.max)
            let rows = controller.report().connections.filter { pid ?? 0 == 0 || $0.processID == pid }
            if let part = try ReplyPart(&numbers) { return try part.reply(of: rows.count) { row(rows[$0]) } }
            var reply = JSONValue.array()
            for connection in rows { reply.append(row(connection)) }
            return reply
        }
    }

    private static func row(_ connection: ControllerReport.Connection) -> JSONValue {
        var row = JSONValue.object()
        row.set("number", connection.number)
        row.set("pid", connection.processID)
        row.set("uid", connection.userID)
        if let name = connection.osDomain { row.set("os_domain", name) }
        row.set("domains", JSONValue.array(connection.domains.map(\.description)))
        row.set("groups", JSONValue.array(connection.groups))
        row.set(connection.figures)
        var buffers = JSONValue.array()
        for exporter in connection.buffers { buffers.append(self.row(exporter)) }
        row.set("dma_bufs", buffers)
        return row
    }

    private static func row(_ buffers: ControllerReport.SharedBuffers) -> JSONValue {
        var row = JSONValue.object()
        row.set("exporter", buffers.exporter)
        row.set("count", buffers.count)
        row.set("bytes", buffers.byteCount)
        row.set("stalled", buffers.stalledCount)
        return row
    }
}
