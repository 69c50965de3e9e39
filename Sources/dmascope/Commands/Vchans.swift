import ArgumentParser
import TelemetryWire

/// `dmascope vchans`
struct Vchans: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show how the virtual channels of a process are set up and used.",
        discussion: """
            Prints one line a virtual channel: its state, direction, and domain with the handlers of source and \
            destination, then its descriptor ring: DESC descriptors, of which FREE can be enqueued, PENDING wait for \
            the doorbell, RUNNING for the engine, and DONE for being polled. NEXT is the ring index of the next \
            enqueue, LAST the last one that was reported. DPDK applications do not tell.
            """)

    @Argument(help: ArgumentHelp("Devices, by number or name; all when none is given.", valueName: "device"))
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
        for device in try peer.devices(named: devices) {
            let reply = try peer.demand(
                "/dmadev/vchans,\(device.id)", "the target does not tell the channels of device \(device.id)")
            for channel in reply.elements {
                table.add(["\(device.id)", device.name] + Self.keys.map { JSONOutput.cell(channel[$0]) })
                rows.append(
                    .object(
                        [
                            JSONTree.Member("id", .integer(device.id)), JSONTree.Member("name", .string(device.name)),
                        ] + channel.members))
            }
        }
        try output.print(json: .array(rows), table: table)
    }

    /// What the columns behind the device show, by the peer's names.
    private static let keys = [
        "vchan", "state", "direction", "domain", "src_handler", "dst_handler", "nb_desc", "burst_capacity", "pending",
        "running", "completed", "next_ring_idx", "last_ring_idx",
    ]
}
