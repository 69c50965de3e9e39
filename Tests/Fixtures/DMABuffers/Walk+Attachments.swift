import DMADev
import DMAEngine
import Glibc
import LinuxSystem
import SoftwareDriver
import SystemPackage

extension Walk {
    /// Regions as exporters: a device copies through attachments, and no byte arrives after a revocation.
    func copyThroughAttachments() throws {
        let source = try MappedBuffer(try kind.make(name: "exported", byteCount: byteCount), byteCount: byteCount)
        let destination = try MappedBuffer(try kind.make(name: "imported", byteCount: byteCount), byteCount: byteCount)
        try source.fill(0x66)
        let memory = DeviceRegistry.shared.memory
        let from = try memory.registerDMABuffer(source.file.raw, at: source.address, byteCount: UInt64(byteCount))
        let to = try memory.registerDMABuffer(
            destination.file.raw, at: destination.address, byteCount: UInt64(byteCount))
        let device = try DeviceRegistry.shared.add(SoftwareDevice(engine: Engine()), named: "dma2")
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 32))
        try device.start()
        let channel = try device.virtualChannel(0)
        let (reading, writing) = (try device.attach(from), try device.attach(to))
        let fromIOVA = try reading.map(.toDevice)[0].address
        let toIOVA = try writing.map(.fromDevice)[0].address

        try DMABuffers.require(
            try copy(fromIOVA, toIOVA, on: channel) == .successful, "the copy between attachments failed")
        try DMABuffers.require(try destination.holds(0x66), "the copy between attachments has other bytes")
        try expect(.resourceBusy) { () throws(DMAError) in try memory.unregister(to) }
        try writing.revoke(within: .seconds(60))
        try destination.fill(0)
        try DMABuffers.require(
            try copy(fromIOVA, toIOVA, on: channel) == .invalidDestinationAddress,
            "a copy into a revoked attachment did not fail")
        try DMABuffers.require(try destination.holds(0), "bytes arrived after the revocation")
        try memory.unregister(to)
        try writing.detach()
        try reading.detach()
        try memory.unregister(from)
        try device.stop()
        try device.close()
        DMABuffers.say("attached and revoked")
    }

    private func copy(_ from: UInt64, _ to: UInt64, on channel: VirtualChannel) throws -> CompletionStatus {
        try channel.copy(from: from, to: to, length: UInt32(byteCount), flags: .submit)
        var statuses = [CompletionStatus.successful]
        while try statuses.withUnsafeMutableBufferPointer({ try channel.completedStatus(into: $0) }).count == 0 {
            usleep(100)
        }
        return statuses[0]
    }
}
