internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/controller/peers[,PID]`: the devices of other processes, with the bytes and operations that the controller has
    /// moved for each.
    ///
    /// The application reports the values of `claimed_…`; the controller cannot check them.
    static func controllerPeers(_ controller: any ReportingController) -> TelemetryCommand {
        TelemetryCommand(
            path: "/controller/peers",
            help: "Returns the controller's connections, and what it has moved for each. Parameters: int pid "
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
                if let name = connection.osDomain { row.set("os_domain", name) }
                row.set("domains", JSONValue.array(connection.domains.map(\.description)))
                row.set("groups", JSONValue.array(connection.groups))
                row.set(connection.figures)
                var buffers = JSONValue.array()
                for exporter in connection.buffers { buffers.append(self.row(exporter)) }
                row.set("dma_bufs", buffers)
                reply.append(row)
            }
            return reply
        }
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
