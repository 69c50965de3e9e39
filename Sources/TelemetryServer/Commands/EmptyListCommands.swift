import TelemetryWire

extension ServerCommand {
    /// `/ethdev/list`: no ports. Clients of DPDK, as its exporter, expect the command in every process.
    static let ethernetPorts = ServerCommand(
        path: "/ethdev/list", help: "Returns list of available ethdev ports. Takes no parameters", isConstant: true
    ) { _, _ in .array() }

    /// `/eal/lcore/list`: no lcores, because there is no EAL.
    static let logicalCores = ServerCommand(
        path: "/eal/lcore/list", help: "List of lcore ids. Takes no parameters", isConstant: true
    ) { _, _ in .array() }
}
