import ArgumentParser
import CommandSupport
import DMATelemetry
import MachineInventory
import TelemetryWire

/// `dmascope memory list`
struct MemoryList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the dma-bufs of this machine, and the external memory and attachments of processes.",
        discussion: """
            First prints the dma-bufs of this machine, one line per buffer, however many processes have it: its inode number, its exporter, its size in \
            bytes, the references to it, its name, and the processes that have descriptors or mappings of it. A dash \
            (-) means: unknown. REFS needs debugfs. Then, where there are some: the external memory that processes have \
            registered, with the inode number and the exporter of its file, and its uses; and their attachments to buffers \
            of exporters, with the state, the interconnect, why it was chosen, the number of mapped ranges, and the number \
            of preferred interconnects that were not supported. These come from the telemetry sockets in the run \
            directories. Lines at the end say what could not be read.
            """)

    @OptionGroup var inventory: InventoryOptions
    @OptionGroup var finder: FinderOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let inventory = try inventory.read()
        let memory = try ProcessMemory(finder)
        let (regions, attachments) = (memory.regions, memory.attachments)
        var table = TextTable(
            ("INODE", .right), ("EXPORTER", .left), ("SIZE", .right), ("REFS", .right), ("NAME", .left),
            ("PROCESSES", .left))
        for buffer in inventory.buffers {
            table.add([
                "\(buffer.inode)", buffer.exporter ?? "-", Self.cell(buffer.byteCount),
                Self.cell(buffer.referenceCount), buffer.name ?? "-", Self.processes(buffer.holders),
            ])
        }
        let text = [
            table.isEmpty
                ? "No dma-bufs: `dmascope demo dmabuf` makes some; the superuser sees those of all users."
                : table.text(bold: StandardStreams.outputTakesColor)
        ]
        let sections = MemoryTables.sections(regions: regions, attachments: attachments)
        let notes = InventoryOptions.notes(on: inventory) + memory.notes
        try output.print(
            json: .object(
                inventory.json(inventory.buffers.indices).tree.members + [
                    JSONTree.Member("regions", .array(regions.map(\.json))),
                    JSONTree.Member("attachments", .array(attachments.map(\.json))),
                    JSONTree.Member("sources", memory.sources),
                ]),
            text: MemoryTables.text(text + sections, notes: notes))
    }

    static func cell(_ number: UInt64?) -> String { number.map { "\($0)" } ?? "-" }

    /// The first processes by name and number.
    private static func processes(_ holders: [DMABufferHolder]) -> String {
        let first = holders.prefix(4).map { "\($0.processName)(\($0.processID))" }
        let rest = holders.count - first.count
        return first.isEmpty ? "-" : first.joined(separator: " ") + (rest > 0 ? " … \(rest) more" : "")
    }
}
