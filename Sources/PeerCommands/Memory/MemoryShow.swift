import ArgumentParser
import CommandSupport
import DMATelemetry
import MachineInventory
import TelemetryWire

/// `dmascope memory show`
struct MemoryShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show who has a dma-buf or a region, and the attachments to it.",
        discussion: """
            Prints one line per process that has the dma-buf: its number, name and user, how many descriptors and mappings \
            of the buffer it has, and the bytes of the mappings. Then, where there are some: the regions of processes with \
            this inode number or address, the attachments to them, and the ranges of each mapped attachment, as \
            addresses of the interconnect (memory) and of the importer (iova). --json also has the exporter, size and \
            name of the buffer, and, for the superuser, the attached devices.
            """)

    @Argument(
        help: ArgumentHelp(
            "The inode number, from `dmascope memory list`, or an address in a region, as 0x7f0000001000.",
            valueName: "inode|address"))
    var memory: MemoryName
    @OptionGroup var inventory: InventoryOptions
    @OptionGroup var finder: FinderOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let inventory = try inventory.read()
        let processes = try ProcessMemory(finder)
        let regions = processes.regions.filter(memory.selects(region:))
        let inodes = memory.inode.map { [$0] } ?? Set(regions.compactMap { $0.members["inode"]?.unsigned })
        // A region without a file has no inode number, and its number is unique only in its process.
        let numbers = Dictionary(grouping: regions, by: \.path).mapValues {
            Set($0.map { $0.members["region"]?.unsigned })
        }
        let attachments = processes.attachments.filter { attachment in
            if let inode = attachment.members["inode"]?.unsigned, inode != 0, inodes.contains(inode) { return true }
            guard let region = attachment.members["region"]?.unsigned else { return false }
            return numbers[attachment.path]?.contains(region) == true
        }
        let buffer = inventory.buffers.first { inodes.contains($0.inode) }
        guard buffer != nil || !regions.isEmpty || !attachments.isEmpty else {
            let missing = "no dma-buf, region or attachment with \(memory) was found"
            throw Failure(
                ([missing + ": see dmascope memory list"] + processes.notes).joined(separator: "; "), status: .missing)
        }
        let text = [buffer.map(Self.holders)].compactMap(\.self)
        let sections = MemoryTables.sections(regions: regions, attachments: attachments)
        let ranges = [MemoryTables.ranges(of: attachments)].compactMap(\.self)
        try output.print(
            json: .object(
                (buffer.flatMap { inventory.json(ofBuffer: $0.inode) }?.tree.members ?? []) + [
                    JSONTree.Member("regions", .array(regions.map(\.json))),
                    JSONTree.Member("attachments", .array(attachments.map(\.json))),
                    JSONTree.Member("sources", processes.sources),
                ]),
            text: MemoryTables.text(text + sections + ranges, notes: processes.notes))
    }

    /// The processes that have a dma-buf.
    private static func holders(of buffer: DMABufferRecord) -> String {
        var table = TextTable(
            ("PID", .right), ("NAME", .left), ("UID", .right), ("FDS", .right), ("MAPS", .right), ("MAPPED", .right))
        for holder in buffer.holders {
            table.add([
                "\(holder.processID)", holder.processName, "\(holder.userID)", "\(holder.descriptorCount)",
                "\(holder.mappingCount)", "\(holder.mappedByteCount)",
            ])
        }
        return table.text(bold: StandardStreams.outputTakesColor)
    }
}

/// What names memory on the command line: the inode number of its file, or an address in it.
enum MemoryName: ExpressibleByArgument, CustomStringConvertible {
    case inode(UInt64)
    case address(UInt64)

    init?(argument: String) {
        if argument.hasPrefix("0x") {
            guard let address = UInt64(argument.dropFirst(2), radix: 16) else { return nil }
            self = .address(address)
        } else {
            guard let inode = UInt64(argument) else { return nil }
            self = .inode(inode)
        }
    }

    var description: String {
        switch self {
        case .inode(let inode): "the inode number \(inode)"
        case .address(let address): "the address 0x\(String(address, radix: 16))"
        }
    }

    /// The inode number, unless it is an address.
    var inode: UInt64? {
        if case .inode(let inode) = self { inode } else { nil }
    }

    /// Whether a region of a process has the inode number, or contains the address.
    func selects(region: ProcessMemory.Row) -> Bool {
        switch self {
        case .inode(let inode): return region.members["inode"]?.unsigned == inode
        case .address(let address):
            guard let start = region.members["address"]?.unsigned, let length = region.members["length"]?.unsigned
            else {
                return false
            }
            return address >= start && address - start < length
        }
    }
}
