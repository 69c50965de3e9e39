import TelemetryWire

extension ServerCommand {
    /// `/`: the paths of all commands.
    static let list = ServerCommand(
        path: "/", help: "Returns list of available commands, Takes no parameters", isConstant: true
    ) { state, _ in
        .array(state.table.commands.lazy.map(\.path))
    }
}
