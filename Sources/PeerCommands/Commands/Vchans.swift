import ArgumentParser
import CommandSupport
import TelemetryWire

/// `dmascope vchans`
struct Vchans: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vchans",
        abstract: "Show the configuration and ring use of a process's virtual channels.",
        discussion: """
            Prints one line per virtual channel: its state, direction, and domain with the handlers of source and \
            destination, then its descriptor ring: DESC descriptors, of which FREE can be enqueued, PENDING wait for \
            the doorbell, RUNNING wait for the engine, and DONE wait to be polled. NEXT is the ring index of the next \
            enqueue, LAST the last reported one. Of a DPDK application \
            the state is determined from its counters, which takes a second, and the ring from the dump of its device.
            """)

    @Argument(help: ArgumentHelp("Devices, by number or name; the default is all.", valueName: "device"))
    var devices: [String] = []
    @OptionGroup var peer: PeerOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let peer = try peer.connect()
        var table = TextTable(
            ("DEVICE", .right), ("NAME", .left), ("VCHAN", .right), ("STATE", .left), ("DIRECTION", .left),
            ("DOMAIN", .left), ("SRC", .right), ("DST", .right), ("DESC", .right), ("FREE", .right),
            ("PENDING", .right), ("RUNNING", .right), ("DONE", .right), ("NEXT", .right), ("LAST", .right))
        var rows: [JSONTree] = []
        let devices = try peer.devices(named: devices)
        for (device, channels) in zip(devices, try peer.channels(of: devices)) {
            guard let channels else {
                throw peer.missing(
                    "the target does not report the channels of device \(device.id)", "/dmadev/vchans,\(device.id)")
            }
            for channel in channels {
                table.add(["\(device.id)", device.name] + Self.keys.map { JSONOutput.cell(channel[$0]) })
                rows.append(
                    .object(
                        [
                            JSONTree.Member("id", .integer(device.id)), JSONTree.Member("name", .string(device.name)),
                        ] + channel.members))
            }
        }
        try output.print(
            json: .array(rows), table: table,
            ifEmpty: "No channels: no device is configured; `dmascope list` shows the devices.")
    }

    /// The reply's keys for the columns after NAME, in order.
    private static let keys = [
        "vchan", "state", "direction", "domain", "src_handler", "dst_handler", "nb_desc", "burst_capacity", "pending",
        "running", "completed", "next_ring_idx", "last_ring_idx",
    ]
}
