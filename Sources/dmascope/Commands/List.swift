import ArgumentParser
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
        let devices = try peer.connect().devices()
        var table = TextTable(
            ("ID", .right), ("NAME", .left), ("DRIVER", .left), ("STATE", .left), ("VCHANS", .right),
            ("CAPABILITIES", .left))
        for device in devices {
            let info = device.info
            let vchans = "\(JSONOutput.cell(info["nb_vchans"]))/\(JSONOutput.cell(info["max_vchans"]))"
            table.add([
                "\(device.id)", JSONOutput.cell(info["name"]), JSONOutput.cell(info["driver"]), state(info), vchans,
                device.capabilities.joined(separator: " "),
            ])
        }
        try output.print(json: .array(devices.map(\.json)), table: table)
    }

    private func state(_ info: JSONTree) -> String {
        info["started"]?.integer.map { $0 == 0 ? "stopped" : "started" } ?? "-"
    }
}
