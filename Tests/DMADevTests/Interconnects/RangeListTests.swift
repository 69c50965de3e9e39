import DMADev
import SystemPackage
import Testing

/// What the library refuses of an exporter.
@Suite struct RangeListTests {
    private func result(_ ranges: [any InterconnectRange], over link: any Interconnect, _ byteCount: UInt64 = 4096)
        throws -> Errno?
    {
        let (importer, exporter) = (ScriptedImporter(), ScriptedExporter([link], byteCount: byteCount))
        exporter.change { $0.ranges = ranges }
        let attachment = try DeviceRegistry().attachments.attach(exporter, to: importer)
        let errno = errno { () throws(DMAError) in try attachment.map(.bidirectional) }
        // What is refused comes back to the exporter, and never reaches the importer.
        #expect(exporter.outstanding == (errno == nil ? 1 : 0) && importer.outstanding == exporter.outstanding)
        if errno != nil {
            let plain = ranges.map { MemoryRange(address: $0.address, byteCount: $0.byteCount) }
            #expect(exporter.change { $0.returned } == [plain] && attachment.state == .attached)
        }
        return errno
    }

    private func memory(_ ranges: (UInt64, UInt64)...) throws -> Errno? {
        try result(ranges.map { MemoryRange(address: $0, byteCount: $1) }, over: SystemMemory.shared)
    }

    @Test("The whole buffer in pieces, in any order of addresses, is taken")
    func good() throws {
        #expect(try memory((0x1000, 4096)) == nil)
        #expect(try memory((0x9000, 96), (0x1000, 3900), (0x8000, 100)) == nil)
        #expect(try memory((0x1000, 96), (0x1060, 4000)) == nil)  // adjacent
        #expect(try memory((.max - 4095, 4096)) == nil)  // to the last address
    }

    @Test("Empty, zero-length, overlapping, wrapping and uncovered ranges are refused")
    func bad() throws {
        #expect(try memory() == .invalidArgument)
        #expect(try memory((0x1000, 4096), (0x9000, 0)) == .invalidArgument)
        #expect(try memory((0x1000, 2048), (0x17FF, 2048)) == .invalidArgument)
        #expect(try memory((0x1000, 2048), (0x1000, 2048)) == .invalidArgument)
        #expect(try memory((0x1800, 1024), (0x1000, 3072)) == .invalidArgument)
        #expect(try memory((.max - 4094, 4096)) == .invalidArgument)
        #expect(try memory((0x1000, 4095)) == .invalidArgument)
        #expect(try memory((0x1000, 4097)) == .invalidArgument)
        #expect(try memory((0, .max), (0, .max), (0, 4098)) == .invalidArgument)
    }

    @Test("The number of ranges is bounded")
    func number() throws {
        let most = UInt64(BufferAttachment.maximumRangeCount)
        let ranges = (0...most).map { MemoryRange(address: $0 * 4096, byteCount: 1) }
        #expect(try result(Array(ranges.dropLast()), over: SystemMemory.shared, most) == nil)
        #expect(try result(ranges, over: SystemMemory.shared, most + 1) == .invalidArgument)
    }

    @Test("Ranges have the type of their interconnect, and overlap in one address space only")
    func types() throws {
        let whole = Link.Range(address: 0, byteCount: 4096)
        #expect(try result([whole], over: Link()) == nil)
        #expect(try result([whole], over: SystemMemory.shared) == .invalidArgument)
        let halves = (0...1).map { Link.Range(space: $0, address: 0x1000, byteCount: 2048) }
        #expect(try result(halves, over: Link()) == nil)
        #expect(try result([halves[0], halves[0]], over: Link()) == .invalidArgument)
    }
}
