import CDMADev
import DMADev
import DMAEngine
import SoftwareDriver

/// Makes every public call, the refused ones too, and prints for each the event that it has to leave in a trace:
/// `name field=value …`, as many fields as matter.
@main
struct TraceEveryCall {
    static func main() throws {
        let registry = DeviceRegistry(maximumDeviceCount: 2)
        try? registry.setMaximumDeviceCount(0)
        expect("dev_max dev_max=0 ret=-22")
        try registry.setMaximumDeviceCount(4)
        expect("dev_max dev_max=4 ret=0")

        let device = try registry.add(SoftwareDevice(engine: Engine()), named: "dma0")
        expect("device_added dev_id=0 name=dma0 driver=software ret=0")
        try useRegistry(registry)
        try control(device)
        try moveData(device)
        try end(device, registry)
        try moveOperations(registry)
        try crossDomains(registry)
        try useMemory(registry)
    }

    static func useRegistry(_ registry: DeviceRegistry) throws {
        _ = try? registry.add(SoftwareDevice(engine: Engine()), named: "dma0")
        expect("device_added dev_id=-1 name=dma0 driver=software ret=-17")
        _ = try registry.device(0)
        expect("device_lookup dev_id=0 ret=0")
        _ = try? registry.device(9)
        expect("device_lookup dev_id=9 ret=-22")
        _ = try registry.device(named: "dma0")
        expect("get_dev_id_by_name name=dma0 ret=0")
        _ = try? registry.device(named: "nope")
        expect("get_dev_id_by_name name=nope ret=-22")
        _ = registry.isValid(0)
        expect("is_valid dev_id=0 valid=1")
        _ = registry.isValid(7)
        expect("is_valid dev_id=7 valid=0")
        _ = registry.count
        expect("count_avail count=1")
        _ = registry.next(from: 0)
        expect("next_dev start_dev_id=0 dev_id=0")
        _ = registry.next(from: 1)
        expect("next_dev start_dev_id=1 dev_id=-1")
    }

    static func control(_ device: DMADevice) throws {
        _ = try device.info
        expect("info_get dev_id=0 name=dma0 max_desc=8192 nb_vchans=0 ret=0")
        try? device.start()
        expect("start dev_id=0 ret=-22")
        try? device.configure(DeviceConfiguration(virtualChannelCount: 9999))
        expect("configure dev_id=0 nb_vchans=9999 ret=-22")
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        expect("configure dev_id=0 nb_vchans=1 priority=0 flags=0 ret=0")
        let tooFew = VirtualChannelConfiguration(descriptorCount: 1)
        try? device.setUpVirtualChannel(0, configuration: tooFew)
        expect("vchan_setup dev_id=0 vchan=0 nb_desc=1 ret=-22")
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 32))
        expect("vchan_setup dev_id=0 vchan=0 direction=0 nb_desc=32 ret=0")
        try device.start()
        expect("start dev_id=0 ret=0")
        try? device.close()
        expect("close dev_id=0 ret=-16")
    }

    static func moveData(_ device: DMADevice) throws {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 256, alignment: 64)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: 256)
        let address = UInt64(UInt(bitPattern: memory))
        _ = try? device.virtualChannel(9)
        expect("vchan_lookup dev_id=0 vchan=9 ret=-22")
        let channel = try device.virtualChannel(0)
        expect("vchan_lookup dev_id=0 vchan=0 ret=0")

        try channel.copy(from: address, to: address + 64, length: 64)
        expect("copy dev_id=0 vchan=0 src=\(address) dst=\(address + 64) length=64 flags=0 ret=0")
        _ = try? channel.copy(from: address, to: address + 64, length: 0)
        expect("copy dev_id=0 vchan=0 length=0 ret=-22")
        _ = try? channel.copy(from: address, to: address + 64, length: 64, flags: OperationFlags(rawValue: 1 << 4))
        expect("copy dev_id=0 vchan=0 flags=16 ret=-22")
        try channel.fill(address, pattern: 5, length: 64, flags: .fence)
        expect("fill dev_id=0 vchan=0 pattern=5 dst=\(address) length=64 flags=1 ret=1")
        let entry = [ScatterGatherEntry(address: address, length: 8)]
        let other = [ScatterGatherEntry(address: address + 128, length: 9)]
        try entry.withUnsafeBufferPointer { entry in
            try channel.copy(from: entry, to: entry)
            expect("copy_sg dev_id=0 vchan=0 nb_src=1 nb_dst=1 ret=2")
            other.withUnsafeBufferPointer { other in _ = try? channel.copy(from: entry, to: other) }
            expect("copy_sg dev_id=0 vchan=0 nb_src=1 nb_dst=1 ret=-22")
        }
        try channel.copy(from: 1 << 60, to: address, length: 1)
        expect("copy dev_id=0 vchan=0 ret=3")
        _ = try channel.burstCapacity
        expect("burst_capacity dev_id=0 vchan=0 ret=28")
        try channel.submit()
        expect("burst dev_id=0 vchan=0 nb_rung=4 first=0 ring_idx=0 nb_ops=4")
        expect("submit dev_id=0 vchan=0 ret=0")
        // The status is asked, and traced, until all is done: the test leaves out the answers before the last.
        while try device.status(of: 0) != .idle {}
        expect("vchan_status dev_id=0 vchan=0 status=0 ret=0")
        _ = try channel.completed(upTo: 8)
        expect("completed dev_id=0 vchan=0 nb_cpls=8 last_idx=2 has_error=1 ret=3")
        var statuses = [CompletionStatus](repeating: .successful, count: 4)
        _ = try statuses.withUnsafeMutableBufferPointer { statuses throws(OperationError) in
            try channel.completedStatus(into: statuses)
        }
        expect("completed_status dev_id=0 vchan=0 nb_cpls=4 last_idx=3 ret=1")
        _ = try device.statistics(of: 0)
        expect("stats_get dev_id=0 vchan=0 submitted=4 completed=4 errors=1 ret=0")
        _ = try? device.statistics(of: 9)
        expect("stats_get dev_id=0 vchan=9 ret=-22")
        try device.resetStatistics()
        expect("stats_reset dev_id=0 vchan=65535 ret=0")
        _ = try device.dump()
        expect("dump dev_id=0 ret=0")
        try leaveNothing(device.view)
        // A full ring.
        for index in 4..<36 {
            try channel.copy(from: address, to: address + 64, length: 64)
            expect("copy dev_id=0 vchan=0 ret=\(index)")
        }
        _ = try? channel.copy(from: address, to: address + 64, length: 64)
        expect("copy dev_id=0 vchan=0 ret=-28")
        expect("enqueue_rejected dev_id=0 vchan=0")
    }

    /// Reads of telemetry, which are no calls of the application.
    static func leaveNothing(_ view: DeviceView) throws {
        _ = (try view.info, try view.statistics(of: nil), try view.status(of: 0), try view.dump(), view.configuration)
        _ = (view.counters(of: 0), view.ringUse(of: 0), view.accessGroups)
        _ = try? view.statistics(of: 9)
    }

    /// A second device: without SVA, in enqueue/dequeue mode.
    static func moveOperations(_ registry: DeviceRegistry) throws {
        var options = SoftwareDevice.Options()
        options.capabilities.remove(.sva)
        let device = try registry.add(SoftwareDevice(engine: Engine(), options: options), named: "dma1")
        expect("device_added dev_id=0 name=dma1 driver=software ret=0")
        try device.configure(DeviceConfiguration(virtualChannelCount: 1, flags: .enqueueDequeue))
        expect("configure dev_id=0 nb_vchans=1 priority=0 flags=2 ret=0")
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 32))
        expect("vchan_setup dev_id=0 vchan=0 ret=0")
        let buffer = try device.makeBuffer(byteCount: 4096)
        let memory = buffer.bytes
        let address = UInt64(UInt(bitPattern: memory.baseAddress))
        expect("buffer_alloc dev_id=0 length=4096 address=\(address) ret=0")
        _ = try? device.makeBuffer(byteCount: 0)
        expect("buffer_alloc dev_id=0 length=0 ret=-22")
        let iova = try device.mapMemory(memory, iova: 0x10000)
        expect("dma_map dev_id=0 address=\(address) length=4096 iova=65536 ret=0")
        _ = try? device.mapMemory(memory, iova: 0x10800)
        expect("dma_map dev_id=0 address=\(address) length=4096 iova=67584 ret=-17")
        try device.start()
        expect("start dev_id=0 ret=0")

        let channel = try device.virtualChannel(0)
        expect("vchan_lookup dev_id=0 vchan=0 ret=0")
        let operation = OperationBuffer(
            from: [ScatterGatherEntry(address: iova, length: 8)],
            to: [ScatterGatherEntry(address: iova + 8, length: 8)], userData: 77)
        let given = [operation.pointer]
        _ = try given.withUnsafeBufferPointer { given throws(OperationError) in try channel.enqueue(given) }
        expect("burst dev_id=0 vchan=0 nb_rung=1 first=0 ring_idx=0 nb_ops=1")
        expect("enqueue_ops dev_id=0 vchan=0 nb_ops=1 ret=1")
        while try device.status(of: 0) != .idle {}
        expect("vchan_status dev_id=0 vchan=0 status=0 ret=0")
        var taken: [UnsafeMutablePointer<dmadev_op>?] = [nil, nil]
        _ = try taken.withUnsafeMutableBufferPointer { taken throws(OperationError) in
            try channel.dequeue(into: taken)
        }
        expect("dequeue_ops dev_id=0 vchan=0 nb_ops=2 ret=1")
        try? channel.submit()
        expect("submit dev_id=0 vchan=0 ret=-95")

        try device.stop()
        expect("stop dev_id=0 ret=0")
        try device.unmapMemory(iova: iova)
        expect("dma_unmap dev_id=0 iova=65536 ret=0")
        try? device.unmapMemory(iova: iova)
        expect("dma_unmap dev_id=0 iova=65536 ret=-22")
        try device.close()
        expect("device_removed dev_id=0 name=dma1")
        expect("close dev_id=0 ret=0")
    }

    static func end(_ device: DMADevice, _ registry: DeviceRegistry) throws {
        let channel = try device.virtualChannel(0)
        expect("vchan_lookup dev_id=0 vchan=0 ret=0")
        try device.stop()
        expect("stop dev_id=0 ret=0")
        try? channel.submit()
        expect("submit dev_id=0 vchan=0 ret=-22")
        _ = try? channel.completed(upTo: 1)
        expect("completed dev_id=0 vchan=0 nb_cpls=1 ret=-22")
        _ = try? channel.burstCapacity
        expect("burst_capacity dev_id=0 vchan=0 ret=-22")
        try device.close()
        expect("device_removed dev_id=0 name=dma0")
        expect("close dev_id=0 ret=0")
        _ = try? device.info
        expect("info_get dev_id=0 ret=-22")
        _ = try? device.dump()
        expect("dump dev_id=0 ret=-22")
    }

    static func expect(_ event: String) {
        print("dmadev:\(event)")
    }
}
