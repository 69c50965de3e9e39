import LinuxSystem
import SystemPackage

/// The kernel's own lists of all dma-bufs. Their values count more than those of processes, because the kernel has them of
/// every buffer.
enum KernelBufferList {
    private typealias Access = DMABufferInventory.Access

    /// Reads `kernel/debug/dma_buf/bufinfo`: only for the superuser, where debugfs is mounted.
    static func readDebugfs(
        _ root: String, into records: inout [UInt64: DMABufferRecord]
    ) -> DMABufferInventory.Access {
        let bytes: [UInt8]
        do throws(Errno) {
            bytes = try ProcFile.bytes("\(root)/kernel/debug/dma_buf/bufinfo", atMost: byteLimit)
        } catch {
            return Access(error)
        }
        var inode: UInt64?
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: "\t"), maxSplits: 6, omittingEmptySubsequences: false)
            if let row = row(fields) {
                inode = row.inode
                var record = records[row.inode] ?? row
                record.exporter = row.exporter
                record.byteCount = row.byteCount
                record.referenceCount = row.referenceCount
                record.name = record.name ?? row.name
                record.attachedDevices = []
                records[row.inode] = record
            } else if let inode, fields.count == 2, fields[0].isEmpty {
                // "Attached Devices:" and the fences are not device names: they have a colon or a space.
                let device = text(fields[1])
                if !device.contains(" ") { records[inode]?.attachedDevices?.append(device) }
            }
        }
        return .read
    }

    /// A line of a buffer: size, flags, mode, count, exporter, inode and name, with tabs between.
    ///
    /// A name can contain the end of a line, but is too short to make another one: numbers have eight digits at least.
    private static func row(_ fields: [ArraySlice<UInt8>]) -> DMABufferRecord? {
        guard fields.count == 7, [0, 1, 2, 3, 5].allSatisfy({ fields[$0].count >= 8 }),
            let size = UInt64(text(fields[0])), UInt64(text(fields[1]), radix: 16) != nil,
            UInt64(text(fields[2]), radix: 16) != nil, let count = UInt64(text(fields[3])),
            let inode = UInt64(text(fields[5]))
        else { return nil }
        var record = DMABufferRecord(inode: inode)
        record.byteCount = size
        record.referenceCount = count
        record.exporter = text(fields[4])
        let name = text(fields[6])
        record.name = name == "<none>" ? nil : name
        return record
    }

    /// Reads `kernel/dmabuf/buffers`: a directory for each buffer, named by its inode number, on kernels with
    /// CONFIG_DMABUF_SYSFS_STATS.
    static func readSysfs(
        _ root: String, into records: inout [UInt64: DMABufferRecord]
    ) -> DMABufferInventory.Access {
        let directory = "\(root)/kernel/dmabuf/buffers"
        let names: [String]
        do throws(Errno) {
            names = try ProcFile.names(in: directory)
        } catch {
            return Access(error)
        }
        for name in names {
            guard let inode = UInt64(name) else { continue }
            var record = records[inode] ?? DMABufferRecord(inode: inode)
            record.exporter = value("\(directory)/\(name)/exporter_name") ?? record.exporter
            record.byteCount = value("\(directory)/\(name)/size").flatMap { UInt64($0) } ?? record.byteCount
            records[inode] = record
        }
        return .read
    }

    /// The first line of a file.
    private static func value(_ path: String) -> String? {
        guard let bytes = try? ProcFile.bytes(path, atMost: 4096) else { return nil }
        return text(bytes.prefix { $0 != UInt8(ascii: "\n") })
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    private static let byteLimit = 16 << 20
}
