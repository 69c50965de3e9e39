import DMADev
import DMAEngine
import LinuxSystem
import SoftwareDriver

extension TraceEveryCall {
    /// External memory: a memfd, which is registered, mapped, sent to this process itself, and attached.
    static func useMemory(_ registry: DeviceRegistry) throws {
        let table = registry.memory
        let file = try MemoryFile.make(name: "trace", byteCount: 16384)
        try MemoryFile.add([.shrink, .grow], to: file.raw)
        let mapping = try SharedMapping(of: file.raw, offset: 4096, byteCount: 8192, isWritable: true)
        let inode = try FileIdentity(of: file.raw).inode
        let address = UInt64(UInt(bitPattern: mapping.bytes.baseAddress))
        let place = "address=\(address) length=8192"

        let callback = MemoryCallback { _, _ in }
        for ret in [0, -17] {
            try? table.registerCallback(callback)
            expect("extmem_callback_register ret=\(ret)")
        }
        for ret in [0, -2] {
            try? table.unregisterCallback(callback)
            expect("extmem_callback_unregister ret=\(ret)")
        }

        _ = try? table.registerMemory(at: address, byteCount: 8192, pageSize: 3)
        expect("extmem_register \(place) page_size=3 region=0 nb_iovas=0 ret=-22")
        let plain = try table.registerMemory(at: address, byteCount: 8192, iovas: [65536, 131072])
        expect("extmem_register \(place) page_size=4096 region=\(plain.number) nb_iovas=2 ret=0")
        _ = try table.lookUp(address + 5000)
        expect("extmem_lookup address=\(address + 5000) region=\(plain.number) ret=0")
        _ = try? table.lookUp(4096)
        expect("extmem_lookup address=4096 region=0 ret=-2")
        _ = try plain.iova(of: address + 4097)
        expect("extmem_get_iova region=\(plain.number) address=\(address + 4097) iova=131073 ret=0")
        _ = try? plain.iova(of: 0)
        expect("extmem_get_iova region=\(plain.number) address=0 ret=-22")
        _ = try plain.dmaBufferDescriptor
        expect("extmem_get_dmabuf_fd region=\(plain.number) fd=-1 ret=0")
        try? table.send(plain, over: 0)
        expect("extmem_send socket=0 region=\(plain.number) fd=-1 ret=-95")
        try table.unregister(plain)
        expect("extmem_unregister region=\(plain.number) \(place) ret=0")
        try? table.unregisterMemory(at: address, byteCount: 8192)
        expect("extmem_unregister region=0 \(place) ret=-2")
        _ = try? plain.dmaBufferOffset
        expect("extmem_get_dmabuf_offset region=\(plain.number) ret=-22")

        _ = try? table.registerDMABuffer(-1, at: address, byteCount: 8192)
        expect("extmem_register_dmabuf \(place) fd=-1 ret=-22")
        let region = try table.registerDMABuffer(file.raw, offset: 4096, at: address, byteCount: 8192)
        let behind = "offset=4096 inode=\(inode) size=16384 verified=1"
        expect("extmem_register_dmabuf \(place) fd=\(file.raw) \(behind) region=\(region.number) ret=0")
        let lent = try region.dmaBufferDescriptor ?? -1
        expect("extmem_get_dmabuf_fd region=\(region.number) fd=\(lent) ret=0")
        _ = try region.dmaBufferOffset
        expect("extmem_get_dmabuf_offset region=\(region.number) offset=4096 ret=0")
        let duplicate = OwnedDescriptor(adopting: try region.duplicateDMABufferDescriptor() ?? -1)
        expect("extmem_dup_dmabuf_fd region=\(region.number) fd=\(duplicate.raw) ret=0")

        let device = try registry.add(SoftwareDevice(engine: Engine()), named: "memory")
        expect("device_added dev_id=0 name=memory driver=software ret=0")
        _ = try device.mapMemory(region)
        expect("extmem_map dev_id=0 region=\(region.number) \(place) iova=\(address) ret=0")
        try? table.unregister(region)
        expect("extmem_unregister region=\(region.number) ret=-16")
        try device.unmapMemory(region)
        expect("extmem_unmap dev_id=0 region=\(region.number) iova=\(address) ret=0")
        try? device.unmapMemory(region)
        expect("extmem_unmap dev_id=0 region=\(region.number) ret=-22")
        try device.close()
        expect("device_removed dev_id=0 name=memory")
        expect("close dev_id=0 ret=0")

        let sockets = try SequencedPacketSocket.pair(nonblocking: true)
        _ = try? table.receive(from: sockets.second.raw)
        expect("extmem_receive socket=\(sockets.second.raw) region=0 fd=-1 ret=-11")
        try table.send(region, over: sockets.first.raw)
        expect("extmem_send socket=\(sockets.first.raw) region=\(region.number) \(place) fd=\(lent) \(behind) ret=0")
        let received = try table.receive(from: sockets.second.raw)
        expect("extmem_receive socket=\(sockets.second.raw) region=0 address=0 length=8192 \(behind) ret=0")
        let attached = try table.attach(received)
        expect(
            "extmem_attach region=\(attached.number) address=\(attached.address) length=8192 \(behind) nb_iovas=0 ret=0"
        )
        _ = try? table.attach(received)
        expect("extmem_attach region=0 address=0 ret=-22")
        try table.detach(attached)
        expect("extmem_detach region=\(attached.number) address=\(attached.address) length=8192 ret=0")
        try? table.detach(attached)
        expect("extmem_detach region=\(attached.number) ret=-2")
        // Reads of telemetry, which are no calls of the application.
        _ = (table.regions, region.currentUses)
        try table.unregister(region)
        expect("extmem_unregister region=\(region.number) \(place) ret=0")
        withExtendedLifetime((mapping, sockets.first.raw)) {}
    }
}
