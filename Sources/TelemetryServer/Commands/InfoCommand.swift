import TelemetryWire

extension ServerCommand {
    /// `/info`: the same as the greeting.
    static let info = ServerCommand(
        path: "/info", help: "Returns DPDK Telemetry information. Takes no parameters", isConstant: true
    ) { state, _ in
        state.greeting
    }
}
