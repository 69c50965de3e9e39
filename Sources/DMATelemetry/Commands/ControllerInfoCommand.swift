internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/controller/info`: what the controller that this process is has, and has done for all together.
    static func controllerInfo(_ controller: any ReportingController) -> TelemetryCommand {
        TelemetryCommand(
            path: "/controller/info",
            help: "Returns what this process has and has done as a controller. No parameters"
        ) { _ in
            let report = controller.report()
            var reply = JSONValue.object()
            reply.set("controller_id", report.controllerID)
            reply.set("socket", report.path)
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
