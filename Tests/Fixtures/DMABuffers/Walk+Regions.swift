import DMADev
import DMAEngine
import Glibc
import LinuxSystem
import SoftwareDriver
import SystemPackage

extension Walk {
    /// Buffers as external memory: a device without SVA copies between them by IOVAs, and a region in use stays.
    func copyBetweenRegions() throws {
        let source = try MappedBuffer(try kind.make(name: "from", byteCount: byteCount), byteCount: byteCount)
        let destination = try MappedBuffer(try kind.make(name: "to", byteCount: byteCount), byteCount: byteCount)
        try source.fill(0x77)
        let memory = DeviceRegistry.shared.memory
        let pages = UInt64(byteCount / 4096)
        let from = try memory.registerDMABuffer(
            source.file.raw, at: source.address, byteCount: UInt64(byteCount),
            iovas: (0..<pages).map { 0x4000_0000 + $0 * 4096 })
        let to = try memory.registerDMABuffer(
            destination.file.raw, at: destination.address, byteCount: UInt64(byteCount))
        try DMABuffers.require(from.file?.kind == (kind.isReal ? .dmaBuffer : .memoryFile), "another kind of file")

        var options = SoftwareDevice.Options()
        options.capabilities.remove(.sva)
        let device = try DeviceRegistry.shared.add(SoftwareDevice(engine: Engine(), options: options), named: "dma1")
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 32))
        try device.start()
        let (fromIOVA, toIOVA) = (try device.mapMemory(from), try device.mapMemory(to))
        try DMABuffers.require(fromIOVA == 0x4000_0000, "the region is mapped at 0x\(String(fromIOVA, radix: 16))")
        let channel = try device.virtualChannel(0)
        try channel.copy(from: fromIOVA, to: toIOVA, length: UInt32(byteCount), flags: .submit)
        while try channel.completed(upTo: 1).count == 0 { usleep(100) }
        try DMABuffers.require(try destination.holds(0x77), "the copy has other bytes")

        try expect(.resourceBusy) { () throws(DMAError) in try memory.unregister(from) }
        try device.unmapMemory(from)
        try memory.unregister(from)
        try expect(.noSuchFileOrDirectory) { () throws(DMAError) in try memory.unregister(from) }
        try device.unmapMemory(to)
        try memory.unregister(to)
        try device.stop()
        try device.close()
        DMABuffers.say("copied between regions")
    }

    func expect(_ errno: Errno, _ call: () throws(DMAError) -> Void) throws(Mismatch) {
        do throws(DMAError) {
            try call()
        } catch {
            return try DMABuffers.require(error.errno == errno, "another error: \(error.errno), \(error.message)")
        }
        throw Mismatch("a call succeeded that had to fail with \(errno)")
    }
}
