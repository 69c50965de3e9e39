import DMADev
import DMAEngine
import Glibc
import LinuxSystem
import SoftwareDriver
import SystemPackage

/// Everything that is done with the buffers of one kind, in order.
struct Walk {
    let kind: BufferKind
    let byteCount = Peer.byteCount

    func run() throws {
        try makeAndName()
        try refuse()
        try shareWithPeer()
        try copyBetweenBuffers()
        try copyBetweenRegions()
        try copyThroughAttachments()
        try copyFromWindow()
        if kind == .udmabuf { try shareWithFile() }
        DMABuffers.say("done")
    }

    /// The kernel tells what a buffer is.
    private func makeAndName() throws {
        let file = try kind.make(name: "frame", byteCount: byteCount)
        let found = try DMABuffer(of: file.raw)
        if kind.isReal {
            try DMABuffers.require(
                found?.exporter == kind.exporter && found?.byteCount == UInt64(byteCount) && found?.name == "frame",
                "the kernel describes the buffer as \(String(describing: found))")
        } else {
            try DMABuffers.require(found == nil, "a file in memory is taken for a dma-buf")
        }
        let buffer = try MappedBuffer(file, byteCount: byteCount)
        try DMABuffers.require(try buffer.holds(0), "a new buffer has other bytes than zeros")
        try buffer.fill(7)
        try DMABuffers.require(try buffer.holds(7), "the bytes written are not there")
        DMABuffers.say("made")
    }

    /// Each refusal has its code, and a sentence.
    private func refuse() throws {
        try expect(.noExporter, saying: "does not exist") { () throws(DMABufferError) in
            try DMAHeap("none", directory: "/dev/no_heaps").allocate(byteCount: 4096)
        }
        let unsealed = try MemoryFile.make(name: "unsealed", byteCount: byteCount).release()
        defer { close(unsealed) }
        try expect(.noExporter, saying: "load the module udmabuf") { () throws(DMABufferError) in
            try UserDMABuffer.make(of: unsealed, byteCount: byteCount, device: "/dev/no_udmabuf")
        }
        if kind == .udmabuf {
            try expect(.invalid, saying: "sealed") { () throws(DMABufferError) in
                try UserDMABuffer.make(of: unsealed, byteCount: byteCount)
            }
            try? MemoryFile.add(.shrink, to: unsealed)
            for (offset, count) in [(0, 100), (100, 4096), (0, byteCount + 4096), (0, 0), (-4096, 4096)] {
                try expect(.invalid, saying: "whole pages") { () throws(DMABufferError) in
                    try UserDMABuffer.make(of: unsealed, offset: offset, byteCount: count)
                }
            }
            let other = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
            defer { close(other) }
            try expect(.invalid, saying: "memfd") { () throws(DMABufferError) in
                try UserDMABuffer.make(of: other, byteCount: 4096)
            }
            try expect(.invalid, saying: "31 bytes") { () throws(DMABufferError) in
                try UserDMABuffer.make(of: unsealed, byteCount: 4096, name: String(repeating: "n", count: 32))
            }
        } else if kind == .heap {
            try expect(.invalid, saying: "at least 1") { () throws(DMABufferError) in
                try DMAHeap.system.allocate(byteCount: 0)
            }
        }
        DMABuffers.say("refused")
    }

    private func expect(
        _ code: DMABufferError.Code, saying part: String, _ make: () throws(DMABufferError) -> OwnedDescriptor
    ) throws {
        do throws(DMABufferError) {
            _ = try make()
        } catch {
            return try DMABuffers.require(
                error.code == code && error.description.contains(part), "another error: \(error.code), \(error)")
        }
        throw Mismatch("a wrong request made a buffer; expected: \(part)")
    }

    /// The other process sees the bytes, and this one what the other has written.
    private func shareWithPeer() throws {
        let peer = try Peer()
        let buffer = try MappedBuffer(try kind.make(name: "shared", byteCount: byteCount), byteCount: byteCount)
        try buffer.fill(0x5A)
        try DMABuffers.require(try peer.ask(0x5A, sending: buffer.file.raw) == 1, "the other process sees other bytes")
        try DMABuffers.require(try buffer.holds(0xA5), "this process does not see what the other has written")
        try peer.end()
        DMABuffers.say("shared")
    }

    /// A software device copies from one buffer to another, by the addresses of their mappings.
    private func copyBetweenBuffers() throws {
        let source = try MappedBuffer(try kind.make(name: "source", byteCount: byteCount), byteCount: byteCount)
        let destination = try MappedBuffer(
            try kind.make(name: "destination", byteCount: byteCount), byteCount: byteCount)
        try source.fill(0x3C)
        let device = try DeviceRegistry.shared.add(SoftwareDevice(engine: Engine()), named: "dma0")
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 32))
        try device.start()
        let channel = try device.virtualChannel(0)
        try channel.copy(
            from: source.address, to: destination.address, length: UInt32(byteCount), flags: .submit)
        while try channel.completed(upTo: 1).count == 0 { usleep(100) }
        try DMABuffers.require(try destination.holds(0x3C), "the copy has other bytes")
        try device.stop()
        try device.close()
        DMABuffers.say("copied")
    }

    /// A udmabuf and its file have the same pages, also after the file is closed.
    private func shareWithFile() throws {
        let file = try MemoryFile.make(name: "pages", byteCount: 2 * byteCount)
        try MemoryFile.add(.shrink, to: file.raw)
        let half = try SharedMapping(of: file.raw, offset: byteCount, byteCount: byteCount, isWritable: true)
        let buffer = try MappedBuffer(
            try UserDMABuffer.make(of: file.raw, offset: byteCount, byteCount: byteCount), byteCount: byteCount)
        _ = consume file
        _ = half.bytes.initializeMemory(as: UInt8.self, repeating: 0x11)
        try DMABuffers.require(try buffer.holds(0x11), "the buffer has other bytes than its file")
        DMABuffers.say("shared pages")
    }
}
