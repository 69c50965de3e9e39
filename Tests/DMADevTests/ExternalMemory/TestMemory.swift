import DMADev
import Glibc
import LinuxSystem
import SystemPackage
import Testing

/// A memfd that is sealed against shrinking, and a mapping of a part of it.
final class TestMemory: Sendable {
    static let page = 4096

    let file: OwnedDescriptor
    let mapping: SharedMapping
    let offset: UInt64

    /// - Parameter pages: of the file; they are mapped from page `first` on.
    init(pages: Int = 4, first: Int = 0, alignment: Int = 1, seals: MemoryFile.Seals = [.shrink, .grow]) throws {
        file = try MemoryFile.make(name: "dma-test", byteCount: pages * Self.page)
        try MemoryFile.add(seals, to: file.raw)
        offset = UInt64(first * Self.page)
        mapping = try SharedMapping(
            of: file.raw, offset: first * Self.page, byteCount: (pages - first) * Self.page, isWritable: true,
            alignment: alignment)
    }

    var address: UInt64 { UInt64(UInt(bitPattern: mapping.bytes.baseAddress)) }
    var byteCount: UInt64 { UInt64(mapping.bytes.count) }

    func register(in table: MemoryTable, iovas: [UInt64]? = nil) throws(DMAError) -> MemoryRegion {
        try table.registerDMABuffer(file.raw, offset: offset, at: address, byteCount: byteCount, iovas: iovas)
    }
}

/// Expects a refusal with a sentence.
@discardableResult
func refused(
    _ errno: Errno, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation,
    _ call: () throws -> Void
) -> String {
    let error = #expect(throws: DMAError.self, comment, sourceLocation: sourceLocation, performing: call)
    guard let error else { return "" }
    #expect(error.errno == errno, "\(error)", sourceLocation: sourceLocation)
    #expect(error.message.contains(" "), "a sentence", sourceLocation: sourceLocation)
    return error.message
}

func isOpen(_ descriptor: CInt) -> Bool { fcntl(descriptor, F_GETFD) >= 0 }
