import CDMADev
import ControllerProtocol
import DMAController
import DMADev
import DMAEngine
import Glibc
import LinuxSystem
import TestSupport
import Testing

/// The controller allocates no page of a tenant's memory: it would be charged for it as long as the tenant wants.
@Suite struct TenantMemoryTests {
    private let directory: TemporaryDirectory
    private let controller: DMAController

    init() throws {
        directory = try TemporaryDirectory()
        controller = try DMAController.start(path: directory.file("control"))
    }

    private func allocatedBytes(of descriptor: CInt) -> Int {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int(status.st_blocks) * 512 : -1
    }

    @Test(
        "Memory without pages is registered again and again, and gets none",
        arguments: HugePagePool.isOffered ? [false, true] : [false])
    func sparse(usesHugePages: Bool) throws {
        #expect(controller.report().memoryMode == "userfaultfd")
        let size = 64 << 20
        let file = try MemoryFile.make(name: "sparse", byteCount: size, usesHugePages: usesHugePages)
        try MemoryFile.add(.shrink, to: file.raw)
        let peer = try RawPeer.greeted(controller.path)
        for _ in 0..<5 {
            let request = RegisterMemory(offset: 0, byteCount: UInt64(size))
            let memory = try #require(try peer.ask(request, [file.raw], for: MemoryRegistered.self))
            #expect(try peer.ask(UnregisterMemory(iova: memory.iova), for: Done.self) != nil)
            #expect(allocatedBytes(of: file.raw) == 0)
        }
    }

    @Test("The pages of a ring are freed with it, whoever has its files")
    func ring() throws {
        let peer = try RawPeer.greeted(controller.path)
        let request = AttachRing(vchan: 0, descriptorCount: 8192, maximumEntryCount: 32)
        #expect(try peer.ask(request, for: RingAttached.self) != nil)
        let layout = RingLayout(descriptorCount: 8192, maximumEntries: 32)
        let memory = try RingMemory(
            layout: layout, applicationFile: peer.descriptors[1], engineFile: peer.descriptors[2])
        memset(memory.descriptors, 0, layout.applicationByteCount - 4096)
        memory.producerPage.pointee.tail = 0
        #expect(allocatedBytes(of: peer.descriptors[1]) == layout.applicationByteCount)
        #expect(try peer.ask(StopRings(), for: Done.self) != nil)
        // The last thread that has read its counters frees it; a page with counters and the doorbells' times stay.
        try eventually("they are freed") { allocatedBytes(of: peer.descriptors[1]) == 4096 + 8192 * 8 }
        withExtendedLifetime(memory) {}
    }
}
