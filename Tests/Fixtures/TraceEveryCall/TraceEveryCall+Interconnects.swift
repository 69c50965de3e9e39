import DMADev
import DMAEngine
import SoftwareDriver

extension TraceEveryCall {
    /// A buffer that a device reaches through attachments.
    static func attachBuffers(_ registry: DeviceRegistry) throws {
        let device = try registry.add(SoftwareDevice(engine: Engine()), named: "dma2")
        expect("device_added dev_id=0 name=dma2 driver=software ret=0")
        let frames = try MemoryExporter(name: "frames", byteCount: 8192)
        _ = try? device.attach(frames, allowing: [])
        expect("interconnect_attach attachment=1 dev_id=0 importer=dma2 exporter=frames bytes=8192 ret=-95")
        _ = try? device.attach(frames, allowing: [ControllerWindows(controllerID: 1)])
        expect("interconnect_fallback attachment=2 dev_id=0 interconnect=system_memory ret=-95")
        expect("interconnect_attach attachment=2 dev_id=0 nb_fallbacks=0 ret=-95")
        let attachment = try device.attach(frames)
        expect(
            "interconnect_attach attachment=3 dev_id=0 importer=dma2 exporter=frames inode=\(frames.inode) bytes=8192"
                + " interconnect=system_memory nb_fallbacks=0 ret=0")
        try? attachment.unmap()
        expect("interconnect_unmap attachment=3 dev_id=0 state=0 ret=-22")
        try attachment.map(.toDevice)
        expect("interconnect_map attachment=3 dev_id=0 direction=1 bytes=8192 nb_ranges=1 nb_iovas=1 ret=0")
        _ = try? attachment.map(.fromDevice)
        expect("interconnect_map attachment=3 dev_id=0 direction=2 nb_ranges=0 nb_iovas=0 ret=-16")
        try attachment.unmap()
        expect("interconnect_unmap attachment=3 dev_id=0 state=0 ret=0")
        try attachment.map(.bidirectional)
        expect("interconnect_map attachment=3 dev_id=0 direction=0 ret=0")
        try attachment.revoke(within: .seconds(5))
        expect("interconnect_revoke attachment=3 dev_id=0 timeout_ns=5000000000 state=3 ret=0")
        _ = try? attachment.map(.toDevice)
        expect("interconnect_map attachment=3 dev_id=0 direction=1 ret=-19")
        try attachment.detach()
        expect("interconnect_detach attachment=3 dev_id=0 ret=0")
        try? attachment.detach()
        expect("interconnect_detach attachment=3 dev_id=0 ret=-22")
        try device.close()
        expect("device_removed dev_id=0 name=dma2")
        expect("close dev_id=0 ret=0")
    }
}
