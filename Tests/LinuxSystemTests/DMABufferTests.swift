import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite struct DMABufferTests {
    /// As Linux 6.12 writes it.
    private static let plain =
        "pos:\t0\nflags:\t02000002\nmnt_id:\t10\nino:\t5\nsize:\t65536\ncount:\t1\nexp_name:\tudmabuf\n"

    @Test func theTextOfTheKernelIsRead() {
        #expect(
            DMABuffer(descriptorInformation: Self.plain)
                == DMABuffer(exporter: "udmabuf", byteCount: 65536, inode: 5, name: nil))
        #expect(
            DMABuffer(descriptorInformation: Self.plain + "name:\tframe 1\n")
                == DMABuffer(exporter: "udmabuf", byteCount: 65536, inode: 5, name: "frame 1"))
    }

    @Test func aNameChangesNoOtherValue() {
        let hostile = "a\nexp_name:\tsystem\nino:\t7\nsize:\t1\n\r"
        let buffer = DMABuffer(descriptorInformation: Self.plain + "name:\t\(hostile)\n")
        #expect(buffer == DMABuffer(exporter: "udmabuf", byteCount: 65536, inode: 5, name: hostile))
        #expect(DMABuffer(descriptorInformation: Self.plain + "name:\t\n")?.name == "")
    }

    @Test(arguments: [
        "", "\n", "pos:\t0\nflags:\t02\nmnt_id:\t10\nino:\t5\n",
        // Parts of it, in other places, or in another order.
        "exp_name:\tudmabuf\n", "size:\t65536\ncount:\t1\nexp_name:\tudmabuf\n",
        "pos:\t0\nino:\t5\nsize:\t65536\nexp_name:\tudmabuf\ncount:\t1\n",
        "pos:\t0\nino:\t5\niff:\texp_name:\tudmabuf\n", "pos:\t0\nino:\t5\nsize:\t65536\ncount:\t1\n",
        "pos:\t0\nino:\t5\nsize:\t-1\ncount:\t1\nexp_name:\tudmabuf\n",
        "pos:\t0\nino:\t99999999999999999999\nsize:\t1\ncount:\t1\nexp_name:\tudmabuf\n",
        "pos:\t0\nsize:\t1\ncount:\t1\nexp_name:\tudmabuf\nname:\ta\nino:\t5\n",
    ]) func otherTextsAreNoDMABuffer(_ text: String) {
        #expect(DMABuffer(descriptorInformation: text) == nil)
    }

    @Test func filesOfOtherKindsAreNone() throws {
        let directory = try TemporaryDirectory()
        let plain = OwnedDescriptor(
            adopting: open(directory.file("exp_name"), O_RDWR | O_CREAT | O_CLOEXEC, 0o600))
        let memory = try MemoryFile.make(name: "exp_name:\tudmabuf", byteCount: 4096)
        let event = try EventDescriptor()
        for descriptor in [plain.raw, memory.raw, event.raw] { #expect(try DMABuffer(of: descriptor) == nil) }
        #expect(throws: Errno.badFileDescriptor) { _ = try DMABuffer(of: -1) }
        let closed = try MemoryFile.make(name: "closed", byteCount: 4096).release()
        close(closed)
        #expect(throws: Errno.badFileDescriptor) { _ = try DMABuffer(of: closed) }
    }

    @Test func aFileThatIsNoDMABufferIsNotSynchronized() throws {
        let memory = try MemoryFile.make(name: "test", byteCount: 4096)
        #expect(throws: Errno(rawValue: ENOTTY)) { try DMABuffer.beginAccess(.read, to: memory.raw) }
        #expect(throws: Errno(rawValue: ENOTTY)) { try DMABuffer.endAccess([.read, .write], to: memory.raw) }
        #expect(throws: Errno.badFileDescriptor) { try DMABuffer.beginAccess(.write, to: -1) }
    }

    @Test func interruptedCallsAreRepeated() throws {
        var errors = [EAGAIN, EINTR, EAGAIN, EAGAIN, EINTR]
        try DMABuffer.retrying {
            guard let error = errors.popLast() else { return 0 }
            errno = error
            return -1
        }
        #expect(errors.isEmpty)
        var calls = 0
        #expect(throws: Errno(rawValue: ENODEV)) {
            try DMABuffer.retrying {
                calls += 1
                errno = calls == 1 ? EAGAIN : ENODEV
                return -1
            }
        }
        #expect(calls == 2)
    }
}
