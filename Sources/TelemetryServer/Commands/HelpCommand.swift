import TelemetryWire

extension ServerCommand {
    /// `/help,COMMAND`: the help text of a command. Without one it is that of `/help` itself, as in DPDK.
    static let help = ServerCommand(
        path: "/help", help: "Returns help text for a command. Parameters: string command",
        parameters: [TelemetryParameter("command", "the path of a command; the default is /help", isOptional: true)],
        isConstant: true
    ) { (state, request) throws(TelemetryCommandError) in
        guard let command = state.table.command(request.parameters ?? "/help") else {
            throw TelemetryCommandError("unknown command; / lists all commands")
        }
        var object = JSONValue.object()
        object.set(name: command.path, command.help)
        return object
    }
}
