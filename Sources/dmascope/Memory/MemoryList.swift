import ArgumentParser
import DMATelemetry
import MachineInventory
import TelemetryWire

/// `dmascope memory list`
struct MemoryList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the dma-bufs of this machine.",
        discussion: """
            Prints one line per buffer, however many processes have it: its inode number, its exporter, its size in \
            bytes, the references to it, its name, and the processes that have descriptors or mappings of it. A dash \
            (-) means: unknown. REFS needs debugfs. Lines below the table say what could not be looked into.
            """)

    @OptionGroup var inventory: InventoryOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let inventory = try inventory.read()
        var table = TextTable(
            ("INODE", .right), ("EXPORTER", .left), ("SIZE", .right), ("REFS", .right), ("NAME", .left),
            ("PROCESSES", .left))
        for buffer in inventory.buffers {
            table.add([
                "\(buffer.inode)", buffer.exporter ?? "-", Self.cell(buffer.byteCount),
                Self.cell(buffer.referenceCount), buffer.name ?? "-", Self.processes(buffer.holders),
            ])
        }
        let text = table.text(bold: StandardStreams.outputTakesColor)
        let notes = InventoryOptions.notes(on: inventory)
        try output.print(
            json: inventory.json(inventory.buffers.indices).tree, text: ([text] + notes).joined(separator: "\n"))
    }

    static func cell(_ number: UInt64?) -> String { number.map { "\($0)" } ?? "-" }

    /// The first processes by name and number.
    private static func processes(_ holders: [DMABufferHolder]) -> String {
        let first = holders.prefix(4).map { "\($0.processName)(\($0.processID))" }
        let rest = holders.count - first.count
        return first.isEmpty ? "-" : first.joined(separator: " ") + (rest > 0 ? " … \(rest) more" : "")
    }
}
