import Glibc
import LinuxSystem
import SystemPackage

/// A program that makes and uses dma-bufs: `dma-buffers walk KIND`, where KIND is `udmabuf`, `heap`, or `memfd` for sealed
/// files in memory, which every kernel has; `dma-buffers hold`, which has two buffers until standard input ends; and
/// `dma-buffers stall DMASCOPE`, with the module vgem.
///
/// It prints a line for each step that succeeded, and ends with status 1 and a sentence at the first that did not. It
/// starts itself again as `dma-buffers peer`, `owner` or `user`: the other process of a step.
@main
struct DMABuffers {
    static func main() {
        do {
            switch CommandLine.arguments.dropFirst().first {
            case "walk": try Walk(kind: BufferKind(CommandLine.arguments.last ?? "")).run()
            case "hold": try Hold.run()
            case "stall": try Stall.run(program: CommandLine.arguments.last ?? "")
            case "peer": try Peer.serve()
            case "user": try Stall.serve()
            case "owner":
                guard CommandLine.arguments.count == 4 else { throw Mismatch("owner takes a socket and a kind") }
                try WindowOwner.run(path: CommandLine.arguments[2], kind: BufferKind(CommandLine.arguments[3]))
            default: throw Mismatch("usage: dma-buffers walk udmabuf|heap|memfd, hold, or stall DMASCOPE")
            }
        } catch {
            print("failed: \(error)")
            exit(1)
        }
    }

    /// Prints a line at once.
    static func say(_ line: String) {
        print(line)
        fflush(nil)
    }

    /// Ends the program with a sentence if something is not as expected.
    static func require(_ isTrue: Bool, _ sentence: @autoclosure () -> String) throws(Mismatch) {
        if !isTrue { throw Mismatch(sentence()) }
    }
}

/// What was not as expected.
struct Mismatch: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// What the memory of a walk is.
enum BufferKind: String {
    case udmabuf, heap, memfd

    init(_ name: String) throws(Mismatch) {
        guard let kind = BufferKind(rawValue: name) else { throw Mismatch("there is no kind \(name)") }
        self = kind
    }

    /// Whether its buffers are dma-bufs.
    var isReal: Bool { self != .memfd }

    /// What the kernel calls the exporter.
    var exporter: String { self == .heap ? "system" : "udmabuf" }

    /// Makes a buffer of zeros.
    func make(name: String, byteCount: Int) throws -> OwnedDescriptor {
        if self == .heap { return try DMAHeap.system.allocate(byteCount: byteCount, name: name) }
        let file = try MemoryFile.make(name: name, byteCount: byteCount)
        try MemoryFile.add(.shrink, to: file.raw)
        return self == .memfd ? file : try UserDMABuffer.make(of: file.raw, byteCount: byteCount, name: name)
    }
}

/// A buffer with a mapping, accessed as its exporter requires.
struct MappedBuffer: ~Copyable {
    let file: OwnedDescriptor
    let mapping: SharedMapping
    let isReal: Bool

    init(_ file: consuming OwnedDescriptor, byteCount: Int) throws(Errno) {
        let mapping = try SharedMapping(of: file.raw, byteCount: byteCount, isWritable: true)
        let isReal = try DMABuffer(of: file.raw) != nil
        // Last, because a value that cannot be copied must not be half made when an error is thrown.
        self.mapping = mapping
        self.isReal = isReal
        self.file = file
    }

    var bytes: UnsafeMutableRawBufferPointer { mapping.bytes }
    var address: UInt64 { UInt64(UInt(bitPattern: mapping.bytes.baseAddress)) }

    /// Writes a byte to all places.
    func fill(_ byte: UInt8) throws(Errno) {
        if isReal { try DMABuffer.beginAccess(.write, to: file.raw) }
        _ = mapping.bytes.initializeMemory(as: UInt8.self, repeating: byte)
        if isReal { try DMABuffer.endAccess(.write, to: file.raw) }
    }

    /// Whether all places have a byte.
    func holds(_ byte: UInt8) throws(Errno) -> Bool {
        if isReal { try DMABuffer.beginAccess(.read, to: file.raw) }
        let holds = mapping.bytes.allSatisfy { $0 == byte }
        if isReal { try DMABuffer.endAccess(.read, to: file.raw) }
        return holds
    }
}
