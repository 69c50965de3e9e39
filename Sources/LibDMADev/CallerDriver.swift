// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
public import CDMADev
internal import CLibDMADev
internal import DMADev
internal import Synchronization
internal import SystemPackage

// The function of dmadev_driver.h. Their documentation is there.

/// A driver that a C program provides.
final class CallerDriver: DMADriver, @unchecked Sendable {
    // All members are constant; the C functions keep the rules of dmadev_driver.h for threads.
    let properties: DeviceProperties
    private let operations: dmadev_driver_ops
    private let device: UnsafeMutableRawPointer?

    init(
        _ info: dmadev_driver_info, _ operations: dmadev_driver_ops, _ device: UnsafeMutableRawPointer?
    ) throws(DMAError) {
        let capabilities = Capabilities(rawValue: info.dev_capa)
        let defined = Capabilities.table.reduce(Capabilities()) { $0.union($1.capability) }
        guard defined.subtracting([.interProcessDomain, .interOSDomain]).isSuperset(of: capabilities) else {
            throw invalid("dev_capa \(hexadecimal(info.dev_capa)): undefined bits, or those of domains")
        }
        guard info.max_vchans > 0, info.min_desc > 0, info.min_desc <= info.max_desc, info.max_desc <= 32_768,
            info.max_sges <= 64
        else {
            throw invalid("a driver has 1 channel or more, 1 to 32,768 descriptors, and up to 64 entries per list")
        }
        properties = DeviceProperties(
            driver: String(cString: try required(info.driver_name, "driver_name")), capabilities: capabilities,
            maximumVirtualChannelCount: info.max_vchans, maximumDescriptorCount: info.max_desc,
            minimumDescriptorCount: info.min_desc, maximumEntryCount: info.max_sges, priorityCount: info.nb_priorities,
            numaNode: info.numa_node)
        self.operations = operations
        self.device = device
        _ = try (
            required(operations.configure, "configure"), required(operations.vchan_setup, "vchan_setup"),
            required(operations.start, "start"), required(operations.stop, "stop"),
            required(operations.close, "close"), required(operations.vchan_status, "vchan_status"),
            required(operations.stats_get, "stats_get")
        )
    }

    /// Whether the program's device belongs to this object: not when it could not be added.
    private let isAdded = Atomic(false)

    func registered(as id: Int16) { isAdded.store(true, ordering: .relaxed) }

    deinit {
        if isAdded.load(ordering: .relaxed) { operations.released?(device) }
    }

    private func check(_ result: Int32, _ call: String) throws(DMAError) {
        guard result < 0 else { return }
        throw DMAError(.system, Errno(rawValue: -result), "the driver's \(call) failed")
    }

    func configure(_ configuration: DeviceConfiguration) throws(DMAError) {
        var conf = dmadev_conf()
        conf.nb_vchans = configuration.virtualChannelCount
        conf.priority = configuration.priority
        conf.flags = configuration.flags.rawValue
        try check(operations.configure(device, &conf), "configure")
    }

    func setUpVirtualChannel(_ vchan: UInt16, _ configuration: VirtualChannelConfiguration) throws(DMAError) {
        var conf = dmadev_vchan_conf()
        conf.direction = dmadev_direction(rawValue: UInt32(bitPattern: configuration.direction.rawValue))
        conf.nb_desc = configuration.descriptorCount
        conf.src_port = dmadev_port(configuration.sourcePort)
        conf.dst_port = dmadev_port(configuration.destinationPort)
        conf.auto_free_pool = (configuration.autoFreePool as? CallerPool)?.pointer
        try check(operations.vchan_setup(device, vchan, &conf), "vchan_setup")
    }

    func start(_ path: inout dmadev_data_path) throws(DMAError) {
        var functions = dmadev_driver_functions()
        try check(operations.start(device, &functions), "start")
        clibdmadev_set_functions(&path, &functions, device)
    }

    func stop() throws(DMAError) { try check(operations.stop(device), "stop") }

    func close() throws(DMAError) { try check(operations.close(device), "close") }

    func counters(of vchan: UInt16) -> ChannelCounters? {
        var stats = dmadev_stats()
        guard operations.stats_get(device, vchan, &stats) >= 0 else { return nil }
        var counters = ChannelCounters()
        counters.application.submitted = stats.submitted
        counters.engine.completed = stats.completed
        counters.engine.errors = stats.errors
        return counters
    }

    func status(of vchan: UInt16) -> VirtualChannelStatus {
        var status = DMADEV_VCHAN_IDLE
        guard operations.vchan_status(device, vchan, &status) >= 0 else { return .haltedError }
        return VirtualChannelStatus(rawValue: Int32(bitPattern: status.rawValue)) ?? .haltedError
    }

    func ringUse(of vchan: UInt16) -> RingUse? { nil }

    func mapMemory(_ address: UInt64, byteCount: UInt64, iova: UInt64?) throws(DMAError) -> UInt64 {
        guard let map = operations.dma_map, operations.dma_unmap != nil else {
            throw DMAError(.notSupported, .notSupported, "the driver \(properties.driver) maps no memory")
        }
        var chosen = iova ?? .max
        try check(map(device, address, byteCount, &chosen), "dma_map")
        return chosen
    }

    func unmapMemory(iova: UInt64) throws(DMAError) {
        guard let unmap = operations.dma_unmap else { throw invalid("no memory is mapped") }
        try check(unmap(device, iova), "dma_unmap")
    }
}

extension dmadev_port {
    /// The C structure of a port.
    init(_ port: Port) {
        self.init()
        port_type = dmadev_port_type(rawValue: UInt32(bitPattern: port.type.rawValue))
        let (one, other) = (port.pcie, port.pcie.virtualFunction)
        let function = UInt64(one.core) | UInt64(one.physicalFunction) << 4 | (other == nil ? 0 : 1 << 12)
        let marks = UInt64(one.pasid) << 29 | UInt64(one.attributes) << 49 | UInt64(one.processingHint) << 52
        pcie = (function | UInt64(other ?? 0) << 13 | marks, UInt64(one.steeringTag))
    }
}

@c @implementation
public func dmadev_driver_add(
    _ name: UnsafePointer<CChar>!, _ info: UnsafePointer<dmadev_driver_info>!,
    _ ops: UnsafePointer<dmadev_driver_ops>!, _ dev: UnsafeMutableRawPointer!
) -> Int32 {
    result { library throws(DMAError) in
        let driver = try CallerDriver(try required(info, "info").pointee, try required(ops, "ops").pointee, dev)
        return Int(try library.add(driver, named: String(cString: try required(name, "name"))).id)
    }
}
