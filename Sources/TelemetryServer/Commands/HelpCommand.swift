import TelemetryWire

extension ServerCommand {
    /// `/help,COMMAND`: the help text of a command.
    static let help = ServerCommand(
        path: "/help", help: "Returns help text for a command. Parameters: string command",
        parameters: [TelemetryParameter("command", "the path of a command")], isConstant: true
    ) { (state, request) throws(TelemetryCommandError) in
        guard let path = request.parameters else {
            throw TelemetryCommandError("command is missing; / lists all commands")
        }
        guard let command = state.table.command(path) else {
            throw TelemetryCommandError("unknown command; / lists all commands")
        }
        var object = JSONValue.object()
        object.set(name: command.path, command.help)
        return object
    }
}
