import DMAController
import LinuxSystem
import TelemetryWire

/// The telemetry of the process's controller. The server starts before the controller does, so that the controller comes
/// when it is there.
final class ControllerTelemetry: Sendable {
    private let controller = Locked<DMAController?>(nil)

    /// From now on this controller is told about.
    func tell(of controller: DMAController) { self.controller.withLock { $0 = controller } }

    /// `/controller/stats`: what the controller has, and what it has done since it was started.
    var command: TelemetryCommand {
        TelemetryCommand(
            path: "/controller/stats",
            help: "Returns what the controller of this process has and has done. No parameters"
        ) { _ throws(TelemetryCommandError) in
            guard let statistics = self.controller.withLock({ $0?.statistics }) else {
                throw TelemetryCommandError("the controller is not started yet")
            }
            return Self.reply(statistics)
        }
    }

    private static func reply(_ statistics: ControllerStatistics) -> JSONValue {
        var reply = JSONValue.object()
        reply.set("connections", statistics.connections)
        reply.set("rings", statistics.rings)
        reply.set("windows", statistics.windows)
        reply.set("groups", statistics.groups)
        reply.set("members", statistics.members)
        reply.set("joins", statistics.joins)
        reply.set("denied_joins", statistics.deniedJoins)
        reply.set("accepted", statistics.accepted)
        reply.set("gone", statistics.gone)
        reply.set("turned_away", statistics.turnedAway)
        reply.set("refused_requests", statistics.refusedRequests)
        reply.set("refused_messages", statistics.refusedMessages)
        return reply
    }
}
