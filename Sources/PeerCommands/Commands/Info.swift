import ArgumentParser
import CommandSupport
import TelemetryWire

/// `dmascope info`
struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Show the properties of a process's DMA devices.",
        discussion: """
            Prints all that a dmascope process or a DPDK application reports about its devices: name, limits, \
            capabilities.
            """)

    @Argument(help: ArgumentHelp("Devices, by number or name; the default is all.", valueName: "device"))
    var devices: [String] = []
    @OptionGroup var peer: PeerOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let found = try peer.connect().devices(named: devices)
        try output.print(
            json: .array(found.map(\.json)),
            text: found.isEmpty
                ? "No devices: the process runs, but has not created or probed any."
                : found.map(text).joined(separator: "\n\n"))
    }

    private func text(_ device: PeerDevice) -> String {
        let rows = device.info.members.map { member in
            (member.name, member.name == "capabilities" ? capabilities(device) : JSONOutput.cell(member.value))
        }
        let width = rows.map(\.0.count).max() ?? 0
        let title = "device \(device.id)"
        let lines = rows.map { name, value in
            "  \(name)\(String(repeating: " ", count: width - name.count))  \(StandardStreams.printable(value))"
        }
        return ([StandardStreams.outputTakesColor ? "\u{1B}[1m\(title)\u{1B}[0m" : title] + lines)
            .joined(separator: "\n")
    }

    private func capabilities(_ device: PeerDevice) -> String {
        device.capabilities.isEmpty ? "none" : device.capabilities.joined(separator: " ")
    }
}
