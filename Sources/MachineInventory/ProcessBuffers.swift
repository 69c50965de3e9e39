import Glibc
import LinuxSystem
import SystemPackage

/// The dma-bufs that one process has, from its directory in `/proc`.
struct ProcessBuffers {
    enum Result {
        case read(ProcessBuffers)
        /// The process does not permit this one to look into it.
        case denied
        /// The process has ended.
        case gone
    }

    /// How much is read of one process, so that none can use up the time of all.
    static let descriptorLimit = 1 << 16
    static let mapsByteLimit = 8 << 20

    private(set) var isTruncated = false
    private var holders: [UInt64: DMABufferHolder] = [:]
    private var buffers: [UInt64: DMABuffer] = [:]
    private let newHolder: DMABufferHolder

    static func read(_ processID: Int32, root: String) -> Result {
        let opened = systemCall { open("\(root)/\(processID)", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard case .success(let raw) = opened else { return .gone }
        // Its files are those of this process, also when another process has got the number.
        let directory = OwnedDescriptor(adopting: raw)
        var status = stat()
        guard fstat(directory.raw, &status) == 0 else { return .gone }
        do throws(Errno) {
            let name = try ProcFile.bytes("comm", in: directory.raw, atMost: 64)
            var process = ProcessBuffers(
                newHolder: DMABufferHolder(
                    processID: processID, processName: text(name.prefix { $0 != UInt8(ascii: "\n") }),
                    userID: status.st_uid))
            try process.readDescriptors(directory.raw)
            try process.readMappings(directory.raw)
            return .read(process)
        } catch {
            return DMABufferInventory.Access(error) == .denied ? .denied : .gone
        }
    }

    private init(newHolder: DMABufferHolder) { self.newHolder = newHolder }

    /// Adds what the process has to the machine's buffers.
    func add(to records: inout [UInt64: DMABufferRecord]) {
        for (inode, holder) in holders {
            var record = records[inode] ?? DMABufferRecord(inode: inode)
            if let buffer = buffers[inode] {
                record.exporter = buffer.exporter
                record.byteCount = buffer.byteCount
                record.name = buffer.name ?? record.name
            }
            record.holders.append(holder)
            records[inode] = record
        }
    }

    private mutating func readDescriptors(_ directory: CInt) throws(Errno) {
        let names = try ProcFile.names(in: "fd", in: directory, atMost: Self.descriptorLimit)
        isTruncated = names.count == Self.descriptorLimit
        for name in names where ProcFile.linkTarget("fd/\(name)", in: directory, hasPrefix: "/dmabuf:") {
            // Closed meanwhile, or another process's file of this name: not a dma-buf.
            guard let information = try? ProcFile.bytes("fdinfo/\(name)", in: directory, atMost: 1 << 14),
                let buffer = DMABuffer(descriptorInformation: String(decoding: information, as: UTF8.self))
            else { continue }
            buffers[buffer.inode] = buffer
            holders[buffer.inode, default: newHolder].descriptorCount += 1
        }
    }

    private mutating func readMappings(_ directory: CInt) throws(Errno) {
        let maps = try ProcFile.bytes("maps", in: directory, atMost: Self.mapsByteLimit)
        isTruncated = isTruncated || maps.count >= Self.mapsByteLimit
        for line in maps.split(separator: UInt8(ascii: "\n")) {
            guard let mapping = BufferMapping(line) else { continue }
            holders[mapping.inode, default: newHolder].mappingCount += 1
            holders[mapping.inode]?.mappedByteCount &+= mapping.byteCount
        }
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}

/// A line of `/proc/PID/maps` about a dma-buf.
struct BufferMapping: Equatable {
    let inode: UInt64
    let byteCount: UInt64

    /// `7f0000000000-7f0000001000 rw-s 00000000 00:0e 12      /dmabuf:name`; `nil` for other mappings.
    ///
    /// Only the beginning of the path counts: processes choose the rest.
    init?(_ line: ArraySlice<UInt8>) {
        let space = UInt8(ascii: " ")
        let fields = line.split(separator: space, maxSplits: 5)
        guard fields.count == 6, fields[5].drop(while: { $0 == space }).starts(with: "/dmabuf:".utf8),
            let inode = UInt64(String(decoding: fields[4], as: UTF8.self))
        else { return nil }
        let range = String(decoding: fields[0], as: UTF8.self).split(separator: "-", maxSplits: 1)
        guard range.count == 2, let start = UInt64(range[0], radix: 16), let end = UInt64(range[1], radix: 16),
            start < end
        else { return nil }
        self.inode = inode
        byteCount = end - start
    }
}
