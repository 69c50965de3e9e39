import ArgumentParser
import MetricsExporter
import TelemetryWire

/// `dmascope list`
struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the DMA devices of a process.",
        discussion: """
            Reads the devices of a dmascope process or a DPDK application. A dash (-) means: not reported.
            """)

    @OptionGroup var peer: PeerOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let peer = try peer.connect()
        let devices = try peer.devices()
        var table = TextTable(
            ("ID", .right), ("NAME", .left), ("DRIVER", .left), ("STATE", .left), ("VCHANS", .right),
            ("CAPABILITIES", .left))
        for device in devices {
            let info = device.info
            let vchans = "\(JSONOutput.cell(info["nb_vchans"]))/\(JSONOutput.cell(info["max_vchans"]))"
            table.add([
                "\(device.id)", JSONOutput.cell(info["name"]), JSONOutput.cell(info["driver"]),
                try state(of: device, peer), vchans,
                device.capabilities.joined(separator: " "),
            ])
        }
        try output.print(json: .array(devices.map(\.json)), table: table)
    }

    /// DPDK's devices say it only in their dump.
    private func state(of device: PeerDevice, _ peer: Peer) throws(Failure) -> String {
        let isStarted: Bool?
        if let started = device.info["started"]?.integer {
            isStarted = started != 0
        } else {
            isStarted = try peer.dump(of: device).isStarted
        }
        return isStarted.map { $0 ? "started" : "stopped" } ?? "-"
    }
}
