import ArgumentParser
import CommandSupport
import MetricsExporter
import TelemetryWire

/// `dmascope stats`
struct Stats: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Show the counters of a process's virtual channels.",
        discussion: """
            Prints submitted, completed (failed ones included) and failed operations, one line per virtual channel, of \
            a dmascope process or a DPDK application. Of an observed device they are those that dmascope has counted; a \
            warning says if the statistics of its driver are others.
            """)

    @Argument(
        help: ArgumentHelp(
            "Devices, by number or name, with one channel or with all of their channels; the default is all devices.",
            valueName: "device[:vchan]"))
    var channels: [String] = []
    @OptionGroup var peer: PeerOptions
    @OptionGroup var output: OutputOptions

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
        var differences: [String] = []
        for channel in wanted {
            let (id, vchan) = (channel.device.id, channel.vchan)
            let statistics = try peer.require(
                "/dmadev/stats,\(id),\(vchan)", "no statistics of device \(id), vchan \(vchan)")
            let columns = ["submitted", "completed", "errors"].map { JSONOutput.cell(statistics[$0]) }
            let mark = channel.device.isObserved ? " (observed, \(JSONOutput.cell(channel.device.info["driver"])))" : ""
            table.add(["\(id)", channel.device.name + mark, "\(vchan)"] + columns)
            if channel.device.isObserved, let text = try difference(of: channel, peer) { differences.append(text) }
            rows.append(
                .object(
                    [
                        JSONTree.Member("id", .integer(id)), JSONTree.Member("name", .string(channel.device.name)),
                        JSONTree.Member("vchan", .integer(vchan)),
                    ] + statistics.members))
        }
        try output.print(
            json: .array(rows), table: table,
            ifEmpty: "No channels: no device is configured; `dmascope list` shows the devices.")
        for difference in differences { StandardStreams.warn(difference) }
    }

    /// What is wrong with the counters of an observed device's driver; `nil`: nothing.
    private func difference(of channel: Channel, _ peer: Peer) throws(Failure) -> String? {
        guard let counters = try peer.request("\(SourceCommand.counters.path),\(channel.device.id),\(channel.vchan)"),
            counters["driver_counts_differ"]?.integer == 1
        else { return nil }
        let figures = ["submitted", "completed", "errors"].map { "\($0) \(JSONOutput.cell(counters["driver_\($0)"]))" }
        return "\(channel.device.name):\(channel.vchan): the driver's own statistics are others: "
            + figures.joined(separator: ", ")
    }

    private func all(of device: PeerDevice) -> [Channel] {
        (0..<max(device.vchanCount, 0)).map { Channel(device: device, vchan: $0) }
    }

    /// `DEVICE` or `DEVICE:VCHAN`; a device's name may contain colons.
    private func find(_ text: String, in devices: [PeerDevice], of peer: Peer) throws(Failure) -> [Channel] {
        if !devices.contains(where: { $0.name == text }), let colon = text.lastIndex(of: ":"),
            let vchan = Int64(text[text.index(after: colon)...])
        {
            return [Channel(device: try Peer.device(String(text[..<colon]), in: devices, of: peer), vchan: vchan)]
        }
        let device = try Peer.device(text, in: devices, of: peer)
        guard device.vchanCount > 0 else {
            throw Failure("device \(text) has no virtual channels: it is not configured", status: .missing)
        }
        return all(of: device)
    }
}
