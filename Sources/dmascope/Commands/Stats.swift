import ArgumentParser
import TelemetryWire

/// `dmascope stats`
struct Stats: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what the virtual channels of a process have done.",
        discussion: """
            Prints the operations that were submitted, that are completed (failed ones included), and that failed, one \
            line a virtual channel, of a dmascope process or any DPDK application.
            """)

    @Argument(
        help: ArgumentHelp(
            "Devices, by number or name, each with a channel or for all of its channels; all when none is given.",
            valueName: "device[:vchan]"))
    var channels: [String] = []
    @OptionGroup var peer: PeerOptions
    @OptionGroup var output: OutputOptions

    /// What a line is about.
    private struct Channel {
        let device: PeerDevice
        let vchan: Int64
    }

    func run() throws {
        let peer = try peer.connect()
        let devices = try peer.devices()
        let wanted =
            try channels.isEmpty ? devices.flatMap(all) : channels.flatMap { try find($0, in: devices, of: peer) }

        var table = TextTable(
            ("DEVICE", .right), ("NAME", .left), ("VCHAN", .right), ("SUBMITTED", .right), ("COMPLETED", .right),
            ("ERRORS", .right))
        var rows: [JSONTree] = []
        for channel in wanted {
            let (id, vchan) = (channel.device.id, channel.vchan)
            let statistics = try peer.demand(
                "/dmadev/stats,\(id),\(vchan)", "no statistics of device \(id), vchan \(vchan)")
            let columns = ["submitted", "completed", "errors"].map { JSONOutput.cell(statistics[$0]) }
            table.add(["\(id)", channel.device.name, "\(vchan)"] + columns)
            rows.append(
                .object(
                    [
                        JSONTree.Member("id", .integer(id)), JSONTree.Member("name", .string(channel.device.name)),
                        JSONTree.Member("vchan", .integer(vchan)),
                    ] + statistics.members))
        }
        try output.print(json: .array(rows), table: table)
    }

    private func all(of device: PeerDevice) -> [Channel] {
        (0..<max(device.vchanCount, 0)).map { Channel(device: device, vchan: $0) }
    }

    /// `DEVICE` or `DEVICE:VCHAN`; a name may hold colons itself.
    private func find(_ text: String, in devices: [PeerDevice], of peer: Peer) throws(Failure) -> [Channel] {
        if !devices.contains(where: { $0.name == text }), let colon = text.lastIndex(of: ":"),
            let vchan = Int64(text[text.index(after: colon)...])
        {
            return [Channel(device: try Peer.device(String(text[..<colon]), in: devices, of: peer), vchan: vchan)]
        }
        let device = try Peer.device(text, in: devices, of: peer)
        guard device.vchanCount > 0 else {
            throw Failure("device \(text) has no virtual channels: it is not configured", status: .lacking)
        }
        return all(of: device)
    }
}
