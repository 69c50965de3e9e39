import DMADev
import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite struct MemoryTableTests {
    private let table = DeviceRegistry().memory

    @Test("Memory without a file is registered without a look at descriptors")
    func plainForm() throws {
        let region = try table.registerMemory(at: 0x7000_0000_0000, byteCount: 8192)
        #expect(try region.dmaBufferDescriptor == nil && region.dmaBufferOffset == nil)
        #expect(try region.duplicateDMABufferDescriptor() == nil)
        #expect(region.file == nil && !region.isAttached && !region.hasIOVAs && region.isRegistered)
        #expect(try region.iova(of: region.address) == MemoryRegion.badIOVA)
        #expect(try table.lookUp(0x7000_0000_1FFF) === region)
        for outside in [0x7000_0000_2000, 0x6FFF_FFFF_FFFF, 0, .max] as [UInt64] {
            refused(.noSuchFileOrDirectory) { _ = try table.lookUp(outside) }
        }
        try table.unregister(region)
        refused(.noSuchFileOrDirectory) { _ = try table.lookUp(0x7000_0000_0000) }
    }

    @Test("Getters of a region that was unregistered fail")
    func endedRegion() throws {
        let memory = try TestMemory()
        let region = try memory.register(in: table, iovas: [1, 2, 3, 4].map { $0 << 12 })
        try table.unregister(region)
        #expect(!region.isRegistered)
        refused(.invalidArgument) { _ = try region.dmaBufferDescriptor }
        refused(.invalidArgument) { _ = try region.dmaBufferOffset }
        refused(.invalidArgument) { _ = try region.duplicateDMABufferDescriptor() }
        refused(.invalidArgument) { _ = try region.iova(of: region.address) }
        refused(.noSuchFileOrDirectory) { try table.unregister(region) }
        refused(.noSuchFileOrDirectory) {
            try table.unregisterMemory(at: memory.address, byteCount: memory.byteCount)
        }
    }

    @Test("Addresses, lengths, page sizes and IOVAs outside of the rules are refused, in both forms")
    func shapes() throws {
        let memory = try TestMemory()
        let address = memory.address
        let cases: [(String, UInt64, UInt64, [UInt64]?, UInt64)] = [
            ("no address", 0, 4096, nil, 4096), ("no length", address, 0, nil, 4096),
            ("no page size", address, 4096, nil, 0), ("an odd page size", address, 4096, nil, 4097),
            ("no power of two", address, 12288, nil, 12288), ("a length of half pages", address, 6144, nil, 4096),
            ("an address within a page", address + 8, 4096, nil, 4096),
            ("an address within a large page", address | 4096, 1 << 21, nil, 1 << 21),
            ("wrapping", .max - 4095, 8192, nil, 4096), ("to the last byte", .max - 4095, 4096, nil, 4096),
            ("too few IOVAs", address, 8192, [4096], 4096), ("too many IOVAs", address, 4096, [4096, 8192], 4096),
            ("an empty list", address, 4096, [], 4096), ("an IOVA within a page", address, 4096, [4097], 4096),
        ]
        for (name, address, byteCount, iovas, pageSize) in cases {
            refused(.invalidArgument, "\(name)") {
                try table.registerMemory(at: address, byteCount: byteCount, iovas: iovas, pageSize: pageSize)
            }
            refused(.invalidArgument, "\(name)") {
                try table.registerDMABuffer(
                    memory.file.raw, at: address, byteCount: byteCount, iovas: iovas, pageSize: pageSize)
            }
        }
        #expect(table.regions.isEmpty)
    }

    @Test("Descriptors that are no memory of this kind are refused")
    func descriptors() throws {
        let memory = try TestMemory()
        func register(_ descriptor: CInt, _ errno: Errno, _ comment: Comment) {
            refused(errno, comment) {
                try table.registerDMABuffer(descriptor, at: memory.address, byteCount: memory.byteCount)
            }
        }
        register(-1, .invalidArgument, "negative")
        register(.min, .invalidArgument, "negative")
        register(1 << 20, .badFileDescriptor, "not open")
        let directory = try TemporaryDirectory()
        let plain = OwnedDescriptor(adopting: open(directory.file("plain"), O_RDWR | O_CREAT | O_CLOEXEC, 0o600))
        register(plain.raw, .invalidArgument, "a file of a disk")
        let event = try EventDescriptor()
        register(event.raw, .invalidArgument, "no memory")
        let unsealed = try TestMemory(seals: [.grow])
        let message = refused(.invalidArgument) { _ = try unsealed.register(in: table) }
        #expect(message.contains("F_SEAL_SHRINK"))
    }

    @Test("The addresses must map the file at the offset, all of them")
    func mappings() throws {
        let memory = try TestMemory(pages: 8, first: 2)
        let page = UInt64(TestMemory.page)
        func refuse(_ comment: Comment, offset: UInt64, at address: UInt64, _ byteCount: UInt64) {
            refused(.invalidArgument, comment) {
                try table.registerDMABuffer(memory.file.raw, offset: offset, at: address, byteCount: byteCount)
            }
        }
        refuse("another offset", offset: 0, at: memory.address, memory.byteCount)
        refuse("an offset within a page", offset: 8193, at: memory.address, memory.byteCount)
        refuse("behind the file", offset: 9 * page, at: memory.address, page)
        refuse("an overflow", offset: ~(page - 1), at: memory.address, page)
        refuse("more than the file", offset: 2 * page, at: memory.address, 7 * page)
        refuse("not mapped", offset: 0, at: 4096, page)
        let other = try TestMemory(pages: 8, first: 2)
        refuse("another memfd", offset: 2 * page, at: other.address, other.byteCount)
        let anonymous = try DeviceBuffer(byteCount: 4096)
        refuse("no file", offset: 0, at: UInt64(UInt(bitPattern: anonymous.bytes.baseAddress)), page)
        let raw = memory.file.raw
        let copy = try #require(mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, raw, 0))
        defer { munmap(copy, 4096) }
        refuse("a copy of the file", offset: 0, at: UInt64(UInt(bitPattern: copy)), page)

        // Parts with other rights are mappings of their own.
        mprotect(memory.mapping.bytes.baseAddress.map { $0 + 4096 }, 4096, PROT_READ)
        let all = try memory.register(in: table)
        #expect(all.file?.isVerified == true && all.file?.kind == .memoryFile)
        #expect(all.file?.offset == 2 * page && all.file?.byteCount == 8 * page)
        #expect(all.file?.inode == (try UInt64(FileIdentity(of: raw).inode)))
        try table.unregister(all)
        let part = try table.registerDMABuffer(raw, offset: 4 * page, at: memory.address + 2 * page, byteCount: page)
        try table.unregister(part)
        // A hole in the middle.
        munmap(memory.mapping.bytes.baseAddress.map { $0 + 8192 }, 4096)
        let message = refused(.invalidArgument) { _ = try memory.register(in: table) }
        #expect(message.contains("not mapped"))
        // Given back, so that the whole range is unmapped as before.
        _ = mmap(
            memory.mapping.bytes.baseAddress.map { $0 + 8192 }, 4096, PROT_NONE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
            -1, 0)
    }

    @Test("Regions that overlap are refused, those side by side are not; a full table refuses")
    func overlaps() throws {
        let table = DeviceRegistry(maximumRegionCount: 3).memory
        let base: UInt64 = 0x10_0000
        let middle = try table.registerMemory(at: base, byteCount: 8192)
        for (address, pages) in [(base, 2), (base, 1), (base + 4096, 1), (base - 4096, 2), (base - 4096, 4)] {
            refused(.fileExists, "\(pages) pages at \(address)") {
                try table.registerMemory(at: address, byteCount: UInt64(pages) * 4096)
            }
        }
        let above = try table.registerMemory(at: base + 8192, byteCount: 4096)
        let below = try table.registerMemory(at: base - 4096, byteCount: 4096)
        #expect(table.regions.map(\.number) == [below, middle, above].map(\.number))
        #expect(try table.lookUp(base - 1) === below && table.lookUp(base + 8192) === above)
        refused(.noSpace) { try table.registerMemory(at: base << 4, byteCount: 4096) }
        refused(.noSuchFileOrDirectory) { try table.unregisterMemory(at: base, byteCount: 4096) }
        refused(.noSuchFileOrDirectory) { try table.unregisterMemory(at: base + 4096, byteCount: 4096) }
        try table.unregisterMemory(at: base, byteCount: 8192)
        let again = try table.registerMemory(at: base, byteCount: 4096)
        #expect(again.number > below.number)
    }

    @Test("The descriptor is the table's own, and open until the region is unregistered")
    func ownDescriptor() throws {
        let memory = try TestMemory()
        let given = fcntl(memory.file.raw, F_DUPFD_CLOEXEC, 0)
        let region = try table.registerDMABuffer(given, at: memory.address, byteCount: memory.byteCount)
        close(given)
        let lent = try #require(try region.dmaBufferDescriptor)
        #expect(isOpen(lent) && fcntl(lent, F_GETFD) & FD_CLOEXEC != 0)
        #expect(try FileIdentity(of: lent) == FileIdentity(of: memory.file.raw))
        let duplicate = OwnedDescriptor(adopting: try #require(try region.duplicateDMABufferDescriptor()))
        #expect(fcntl(duplicate.raw, F_GETFD) & FD_CLOEXEC != 0)
        try table.unregister(region)
        #expect(try FileIdentity(of: duplicate.raw) == FileIdentity(of: memory.file.raw))
    }

    @Test("Each page has its IOVA, and pages may have none")
    func iovas() throws {
        let memory = try TestMemory()
        let region = try memory.register(in: table, iovas: [0x4000, 0x5000, MemoryRegion.badIOVA, 0x1_0000])
        #expect(try region.iova(of: memory.address + 17) == 0x4011)
        #expect(try region.iova(of: memory.address + 8191) == 0x5FFF)
        #expect(try region.iova(of: memory.address + 8192) == MemoryRegion.badIOVA)
        #expect(try region.iova(of: memory.address + 12288) == 0x1_0000)
        refused(.invalidArgument) { _ = try region.iova(of: memory.address + 16384) }
        #expect(region.runs.map(\.iova) == [0x4000, 0x1_0000] && region.runs.map(\.byteCount) == [8192, 4096])
    }

    @Test("Failed calls are counted with their reasons")
    func failures() {
        let registry = DeviceRegistry()
        refused(.invalidArgument) { try registry.memory.registerMemory(at: 0, byteCount: 4096) }
        refused(.invalidArgument) { try registry.memory.registerDMABuffer(-1, at: 4096, byteCount: 4096) }
        #expect(registry.failedCalls().map(\.call) == ["extmem_register_dmabuf", "extmem_register"])
    }
}
