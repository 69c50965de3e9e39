import CommandSupport
import DMADev
import LinuxSystem
import SystemPackage

/// What the buffers of a demonstration are: dma-bufs if the machine has an exporter that this user may use.
struct DemoExporter {
    enum Kind: String {
        case udmabuf
        case heap = "dma-heap"
        case memoryFile = "memfd"
    }

    let kind: Kind
    /// Why the buffers are no dma-bufs; empty if they are.
    let reasons: [String]

    var isReal: Bool { kind != .memoryFile }

    /// The first of udmabuf and the system heap that makes a dma-buf; if neither does, sealed files in memory.
    init() {
        var (kind, reasons) = (Kind.memoryFile, [String]())
        for candidate in [Kind.udmabuf, .heap] where kind == .memoryFile {
            do {
                _ = try Self.file(candidate, name: "dmascope-probe", byteCount: 1 << 16)
                kind = candidate
            } catch {
                reasons.append("\(error)")
            }
        }
        self.kind = kind
        self.reasons = kind == .memoryFile ? reasons : []
    }

    /// Makes a zeroed buffer, maps it, and registers it.
    func makeBuffer(name: String, byteCount: Int, in table: MemoryTable) throws(Failure) -> DemoBuffer {
        do {
            let file = try Self.file(kind, name: name, byteCount: byteCount)
            let mapping = try SharedMapping(of: file.raw, byteCount: byteCount, isWritable: true)
            let region = try table.registerDMABuffer(
                file.raw, at: UInt64(UInt(bitPattern: mapping.bytes.baseAddress)), byteCount: UInt64(byteCount))
            return DemoBuffer(file, mapping, region, isReal: isReal)
        } catch {
            throw Failure("cannot make a buffer of \(ByteCount(byteCount).text): \(error)")
        }
    }

    private static func file(_ kind: Kind, name: String, byteCount: Int) throws -> OwnedDescriptor {
        if kind == .heap { return try DMAHeap.system.allocate(byteCount: byteCount, name: name) }
        let file = try MemoryFile.make(name: name, byteCount: byteCount)
        try MemoryFile.add(.shrink, to: file.raw)
        guard kind == .udmabuf else { return file }
        return try UserDMABuffer.make(of: file.raw, byteCount: byteCount, name: name)
    }
}

/// A buffer of a demonstration, registered as external memory, and accessed as a dma-buf requires.
final class DemoBuffer {
    let region: MemoryRegion
    private let file: OwnedDescriptor
    private let mapping: SharedMapping
    private let isReal: Bool

    fileprivate init(
        _ file: consuming OwnedDescriptor, _ mapping: SharedMapping, _ region: MemoryRegion, isReal: Bool
    ) {
        self.file = file
        self.mapping = mapping
        self.region = region
        self.isReal = isReal
    }

    /// Sets all bytes.
    func fill(_ byte: UInt8) throws(Failure) {
        try access(.write) { _ = mapping.bytes.initializeMemory(as: UInt8.self, repeating: byte) }
    }

    /// Whether all bytes have a value.
    func holds(_ byte: UInt8) throws(Failure) -> Bool {
        var holds = false
        try access(.read) {
            let pattern = UInt64(byte) &* 0x0101_0101_0101_0101
            // A buffer is whole pages.
            holds = mapping.bytes.bindMemory(to: UInt64.self).allSatisfy { $0 == pattern }
        }
        return holds
    }

    private func access(_ kind: DMABuffer.Access, _ body: () -> Void) throws(Failure) {
        do throws(Errno) {
            if isReal { try DMABuffer.beginAccess(kind, to: file.raw) }
            body()
            if isReal { try DMABuffer.endAccess(kind, to: file.raw) }
        } catch {
            throw Failure("the dma-buf cannot be accessed: \(error)")
        }
    }
}
