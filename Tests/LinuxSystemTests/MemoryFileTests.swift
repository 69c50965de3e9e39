import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite struct MemoryFileTests {
    @Test func sealsAreAddedAndHold() throws {
        let file = try MemoryFile.make(name: "test", byteCount: 8192)
        #expect(try MemoryFile.seals(of: file.raw) == [])
        #expect(try MemoryFile.byteCount(of: file.raw) == 8192)
        try MemoryFile.add([.shrink, .grow], to: file.raw)
        #expect(try MemoryFile.seals(of: file.raw) == [.shrink, .grow])
        #expect(ftruncate(file.raw, 4096) == -1 && errno == EPERM)
        #expect(ftruncate(file.raw, 12288) == -1 && errno == EPERM)
        try MemoryFile.add(.seal, to: file.raw)
        #expect(throws: Errno.notPermitted) { try MemoryFile.add(.write, to: file.raw) }
    }

    @Test func afterTheSealOnlyTheMappingsBeforeItWrite() throws {
        let file = try MemoryFile.make(name: "test", byteCount: 4096)
        let writer = try SharedMapping(of: file.raw, byteCount: 4096, isWritable: true)
        try MemoryFile.add([.shrink, .grow, .futureWrite, .seal], to: file.raw)
        #expect(throws: Errno.notPermitted) {
            _ = try SharedMapping(of: file.raw, byteCount: 4096, isWritable: true)
        }
        let reader = try SharedMapping(of: file.raw, byteCount: 4096, isWritable: false)
        writer.bytes[17] = 5
        #expect(reader.bytes[17] == 5)
        // Nor can a right be added to a mapping, nor a hole be made.
        #expect(mprotect(reader.bytes.baseAddress, 4096, PROT_READ | PROT_WRITE) == -1)
        var byte: UInt8 = 1
        #expect(pwrite(file.raw, &byte, 1, 0) == -1 && errno == EPERM)
    }

    @Test func whatIsNoFileInMemoryHasNoSeals() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("plain")
        let plain = OwnedDescriptor(adopting: open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600))
        let event = try EventDescriptor()
        let pair = try SequencedPacketSocket.pair()
        for descriptor in [plain.raw, event.raw, pair.first.raw, 0] {
            #expect(throws: Errno.invalidArgument) { _ = try MemoryFile.seals(of: descriptor) }
        }
        #expect(throws: Errno.badFileDescriptor) { _ = try MemoryFile.seals(of: -1) }
    }

    @Test func mappingsAreRefusedWithTheReason() throws {
        let file = try MemoryFile.make(name: "test", byteCount: 4096)
        #expect(throws: Errno.invalidArgument) {
            _ = try SharedMapping(of: file.raw, offset: 1, byteCount: 4096, isWritable: true)
        }
        #expect(throws: Errno.invalidArgument) {
            _ = try SharedMapping(of: file.raw, byteCount: 0, isWritable: true)
        }
        #expect(throws: Errno.badFileDescriptor) { _ = try SharedMapping(of: -1, byteCount: 4096, isWritable: true) }
    }
}
