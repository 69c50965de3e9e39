internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/controller/info`: the state and the totals of this process's controller.
    static func controllerInfo(_ controller: any ReportingController) -> TelemetryCommand {
        TelemetryCommand(
            path: "/controller/info",
            help: "Returns the state and the totals of the controller in this process. No parameters"
        ) { _ in
            let report = controller.report()
            var reply = JSONValue.object()
            reply.set("controller_id", report.controllerID)
            reply.set("socket", report.path)
            reply.set("memory_mode", report.memoryMode)
            reply.set(report.figures)
            return reply
        }
    }
}

extension JSONValue {
    /// Adds each figure under its name.
    mutating func set(_ figures: [ControllerReport.Figure]) {
        for figure in figures { set(name: figure.name, figure.value) }
    }
}
