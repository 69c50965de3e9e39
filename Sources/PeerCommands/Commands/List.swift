import ArgumentParser
import CommandSupport
import MetricsExporter
import TelemetryWire

/// `dmascope list`
struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the DMA devices of a process.",
        discussion: """
            Reads the devices of a dmascope process or a DPDK application. STATE is halted or stuck if a channel of the \
            device is; `dmascope vchans` shows which. Devices of an application under `dmascope observe` are marked \
            observed. A dash (-) means: not reported.
            """)

    @OptionGroup var peer: PeerOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let peer = try peer.connect()
        let devices = try peer.devices()
        var table = TextTable(
            ("ID", .right), ("NAME", .left), ("DRIVER", .left), ("STATE", .left), ("VCHANS", .right),
            ("CAPABILITIES", .left))
        var states: [String] = []
        for (device, channels) in zip(devices, try peer.channels(of: devices)) {
            states.append(try state(of: device, channels ?? [], peer))
            let info = device.info
            let vchans = "\(JSONOutput.cell(info["nb_vchans"]))/\(JSONOutput.cell(info["max_vchans"]))"
            table.add([
                "\(device.id)", JSONOutput.cell(info["name"]),
                JSONOutput.cell(info["driver"]) + (device.isObserved ? " (observed)" : ""),
                states[states.count - 1], vchans,
                device.capabilities.joined(separator: " "),
            ])
        }
        try output.print(
            json: .array(zip(devices, states).map(json)), table: table,
            ifEmpty: "No devices: the process runs, but has not created or probed any.")
    }

    private func json(_ device: PeerDevice, _ state: String) -> JSONTree {
        .object(device.json.members + [JSONTree.Member("state", state == "-" ? .null : .string(state))])
    }

    /// The worst state of its channels, else its own, which DPDK's devices say only in their dump.
    private func state(
        of device: PeerDevice, _ channels: [JSONTree], _ peer: Peer
    ) throws(Failure) -> String {
        let states = Set(channels.compactMap { $0["state"]?.string })
        if let worst = ProcessRow.deadStates.first(where: states.contains) { return worst }
        let isStarted: Bool?
        if let started = device.info["started"]?.integer {
            isStarted = started != 0
        } else {
            isStarted = try peer.dump(of: device).isStarted
        }
        return isStarted.map { $0 ? "started" : "stopped" } ?? "-"
    }
}
