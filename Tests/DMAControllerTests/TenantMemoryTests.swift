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

    private let request = AttachRing(vchan: 0, descriptorCount: 8192, maximumEntryCount: 32)

    @Test("The pages of an application's side are freed when its channel gets another ring, or with the connection")
    func ring() throws {
        let peer = try RawPeer.greeted(controller.path)
        // Those that the controller has made; the test keeps the descriptors beyond the connection.
        var files: [CInt] = []
        for _ in 0..<3 {
            let memory = try #require(try peer.startRing(request))
            files.append(peer.descriptors[peer.descriptors.count - 2])
            let layout = memory.layout
            memset(memory.descriptors, 0, layout.applicationByteCount - 4096)
            memory.applicationCounters.pointee.rejected = 7
            #expect(allocatedBytes(of: files[files.count - 1]) == layout.applicationByteCount)
            #expect(try peer.ask(StopRings(), for: Done.self) != nil)
            // The application reads them after the stop.
            #expect(memory.applicationCounters.pointee.rejected == 7)
            #expect(controller.statistics.memoryBytes == UInt64(layout.byteCount))
            // The last thread that has read the counters of the earlier ones frees them.
            try eventually("the earlier ones are freed") { files.dropLast().allSatisfy { allocatedBytes(of: $0) == 0 } }
        }
        shutdown(peer.socket.raw, CInt(SHUT_RDWR))
        try eventually("the last one is freed") { allocatedBytes(of: files[2]) == 0 }
        try eventually("nothing is charged") { controller.statistics.memoryBytes == 0 }
        withExtendedLifetime(peer) {}
    }

    @Test("An application reads its counters when the controller has stopped")
    func stopped() throws {
        let peer = try RawPeer.greeted(controller.path)
        let memory = try #require(try peer.startRing(request))
        memory.applicationCounters.pointee.submitted = 9
        controller.stop()
        #expect(peer.isEnded && memory.applicationCounters.pointee.submitted == 9)
    }

    @Test("The engine's side is allocated by the application, or the ring does not start")
    func engineFile() throws {
        let peer = try RawPeer.greeted(controller.path)
        #expect(try peer.ask(request, for: RingAttached.self) != nil)
        let file = peer.descriptors[2]
        let layout = RingLayout(descriptorCount: 8192, maximumEntries: 32)
        func starts() throws -> Bool { try peer.ask(StartRing(vchan: 0), for: Done.self) != nil }
        #expect(allocatedBytes(of: file) == 0)
        #expect(try !starts())
        #expect(peer.refusal?.errno == EFAULT)
        let mapping = try SharedMapping(of: file, byteCount: layout.engineByteCount, isWritable: false)
        try mapping.populate(4096..<layout.engineByteCount)
        #expect(try !starts())
        #expect(allocatedBytes(of: file) == layout.engineByteCount - 4096)
        try mapping.populate(0..<4096)
        #expect(try starts())
        #expect(try !starts())
        #expect(peer.refusal?.errno == EINVAL)
    }
}
