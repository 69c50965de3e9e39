import ArgumentParser
import DMATelemetry
import MachineInventory
import TelemetryWire

/// `dmascope memory show`
struct MemoryShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show the processes that have a dma-buf.",
        discussion: """
            Prints one line per process: its number, name and user, how many descriptors and mappings of the buffer it \
            has, and the bytes of the mappings. --json also has the exporter, size and name of the buffer, and, for the \
            superuser, the attached devices.
            """)

    @Argument(help: ArgumentHelp("The buffer's inode number, from `dmascope memory list`.", valueName: "inode"))
    var inode: UInt64
    @OptionGroup var inventory: InventoryOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let inventory = try inventory.read()
        guard let buffer = inventory.buffers.first(where: { $0.inode == inode }),
            let json = inventory.json(ofBuffer: inode)
        else {
            throw Failure(
                "no dma-buf with the inode number \(inode) was found: see dmascope memory list", status: .missing)
        }
        var table = TextTable(
            ("PID", .right), ("NAME", .left), ("UID", .right), ("FDS", .right), ("MAPS", .right), ("MAPPED", .right))
        for holder in buffer.holders {
            table.add([
                "\(holder.processID)", holder.processName, "\(holder.userID)", "\(holder.descriptorCount)",
                "\(holder.mappingCount)", "\(holder.mappedByteCount)",
            ])
        }
        try output.print(json: json.tree, table: table)
    }
}
