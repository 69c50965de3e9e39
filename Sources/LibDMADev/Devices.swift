// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
public import CDMADev
internal import CLibDMADev
internal import DMADev
internal import Glibc
internal import SystemPackage

// The functions of dmadev.h under *Library*, *Control* and *Statistics*. Their documentation is there.

@c @implementation
public func dmadev_version() -> UnsafePointer<CChar>! {
    value { ConstantTexts.shared.pointer(libraryVersion) }
}

/// The version of the C library: its first number is that of the soname.
private let libraryVersion = "1.0.0"

@c @implementation
public func dmadev_create(_ specification: UnsafePointer<CChar>!) -> Int32 {
    result { library throws(DMAError) in
        Int(try library.create(String(cString: try required(specification, "specification"))).id)
    }
}

@c @implementation
public func dmadev_dev_max(_ dev_max: Int) -> Int32 {
    outcome { library throws(DMAError) in try library.setMaximumDeviceCount(dev_max) }
}

@c @implementation
public func dmadev_get_dev_id_by_name(_ name: UnsafePointer<CChar>!) -> Int32 {
    result { library throws(DMAError) in
        Int(try library.device(named: String(cString: try required(name, "name"))).id)
    }
}

@c @implementation
public func dmadev_is_valid(_ dev_id: Int16) -> Bool { value { Library.shared.isValid(dev_id) } }

@c @implementation
public func dmadev_count_avail() -> UInt16 { value { UInt16(clamping: Library.shared.count) } }

@c @implementation
public func dmadev_next_dev(_ start_dev_id: Int16) -> Int16 { value { Library.shared.next(from: start_dev_id) ?? -1 } }

// MARK: Control

@c @implementation
public func dmadev_capability_name(_ capability: UInt64) -> UnsafePointer<CChar>! {
    Capabilities.table.first { $0.capability.rawValue == capability }.flatMap { ConstantTexts.shared.pointer($0.name) }
}

@c @implementation
public func dmadev_info_get(_ dev_id: Int16, _ info: UnsafeMutablePointer<dmadev_info>!) -> Int32 {
    onDevice(dev_id) { (device, library) throws(DMAError) in
        let (info, found) = (try required(info, "info"), try device.info)
        var capabilities = found.properties.capabilities
        if !library.pools.isSet { capabilities.remove(.autoFree) }
        var values = dmadev_info()
        values.dev_name = library.name(of: device)
        values.dev_capa = capabilities.rawValue
        values.max_vchans = found.properties.maximumVirtualChannelCount
        values.max_desc = found.properties.maximumDescriptorCount
        values.min_desc = found.properties.minimumDescriptorCount
        values.max_sges = found.properties.maximumEntryCount
        values.numa_node = found.properties.numaNode
        values.nb_vchans = found.virtualChannelCount
        values.nb_priorities = found.properties.priorityCount
        values.nb_access_groups = found.properties.accessGroupCount
        values.controller_id = found.properties.controllerID ?? .max
        values.driver_name = library.texts.pointer(found.properties.driver)
        info.initialize(to: values)
    }
}

@c @implementation
public func dmadev_configure(_ dev_id: Int16, _ conf: UnsafePointer<dmadev_conf>!) -> Int32 {
    onDevice(dev_id) { (device, _) throws(DMAError) in
        let conf = try required(conf, "conf").pointee
        try device.configure(
            DeviceConfiguration(
                virtualChannelCount: conf.nb_vchans, priority: conf.priority,
                flags: ConfigurationFlags(rawValue: conf.flags)))
    }
}

@c @implementation
public func dmadev_start(_ dev_id: Int16) -> Int32 {
    onDevice(dev_id) { (device, library) throws(DMAError) in try library.start(device) }
}

@c @implementation
public func dmadev_stop(_ dev_id: Int16) -> Int32 {
    onDevice(dev_id) { (device, _) throws(DMAError) in try device.stop() }
}

@c @implementation
public func dmadev_close(_ dev_id: Int16) -> Int32 {
    onDevice(dev_id) { (device, library) throws(DMAError) in try library.close(device) }
}

@c @implementation
public func dmadev_vchan_setup(_ dev_id: Int16, _ vchan: UInt16, _ conf: UnsafePointer<dmadev_vchan_conf>!) -> Int32 {
    onDevice(dev_id) { (device, library) throws(DMAError) in
        let conf = try required(conf, "conf").pointee
        if conf.auto_free_pool != nil, !library.pools.isSet {
            throw invalid("auto_free_pool: call dmadev_set_pool_free() first")
        }
        try device.setUpVirtualChannel(
            vchan,
            configuration: VirtualChannelConfiguration(
                direction: TransferDirection(rawValue: Int32(bitPattern: conf.direction.rawValue)),
                descriptorCount: conf.nb_desc, sourcePort: Port(conf.src_port), destinationPort: Port(conf.dst_port),
                domain: InterDomain(
                    type: InterDomainType(rawValue: Int32(bitPattern: conf.domain.type.rawValue)),
                    sourceHandler: conf.domain.src_handler, destinationHandler: conf.domain.dst_handler),
                autoFreePool: conf.auto_free_pool.map { CallerPool($0) }))
    }
}

extension Port {
    /// The port of a C structure.
    init(_ port: dmadev_port) {
        let (low, high) = port.pcie
        func field(_ shift: Int, _ bits: Int) -> UInt64 { low >> UInt64(shift) & (1 << UInt64(bits) - 1) }
        self.init(
            type: PortType(rawValue: Int32(bitPattern: port.port_type.rawValue)),
            pcie: PCIePort(
                core: UInt8(field(0, 4)), physicalFunction: UInt8(field(4, 8)),
                virtualFunction: field(12, 1) == 1 ? UInt16(field(13, 16)) : nil, pasid: UInt32(field(29, 20)),
                attributes: UInt8(field(49, 3)), processingHint: UInt8(field(52, 2)),
                steeringTag: UInt16(truncatingIfNeeded: high)))
    }
}

@c @implementation
public func dmadev_set_pool_free(_ function: dmadev_pool_free_t!, _ arg: UnsafeMutableRawPointer!) {
    value { Library.shared.pools.set(function, arg) }
}

// MARK: Statistics

@c @implementation
public func dmadev_stats_get(_ dev_id: Int16, _ vchan: UInt16, _ stats: UnsafeMutablePointer<dmadev_stats>!) -> Int32 {
    onDevice(dev_id) { (device, _) throws(DMAError) in
        let stats = try required(stats, "stats")
        let read = vchan == UInt16.max ? try device.statistics : try device.statistics(of: vchan)
        stats.initialize(to: dmadev_stats(submitted: read.submitted, completed: read.completed, errors: read.errors))
    }
}

@c @implementation
public func dmadev_stats_reset(_ dev_id: Int16, _ vchan: UInt16) -> Int32 {
    onDevice(dev_id) { (device, _) throws(DMAError) in
        try device.resetStatistics(of: vchan == UInt16.max ? nil : vchan)
    }
}

@c @implementation
public func dmadev_xstats_get(
    _ dev_id: Int16, _ vchan: UInt16, _ xstats: UnsafeMutablePointer<dmadev_xstat>!, _ nb: UInt32
) -> Int32 {
    result { library throws(DMAError) in
        let device = try library.device(dev_id)
        guard vchan < (try device.info).virtualChannelCount else {
            throw invalid("virtual channel \(vchan): device \(dev_id) has no such channel")
        }
        guard let counters = device.view.counters(of: vchan) else {
            throw DMAError(.notSupported, .notSupported, "the driver \(device.properties.driver) has no counters")
        }
        let all = ChannelCounter.table.map { row in
            dmadev_xstat(
                name: library.texts.pointer(row.name), unit: library.texts.pointer(row.unit.rawValue),
                help: library.texts.pointer(row.help), value: row.value(in: counters))
        }
        return try write(all, to: xstats, Int(nb))
    }
}

@c @implementation
public func dmadev_vchan_status(
    _ dev_id: Int16, _ vchan: UInt16, _ status: UnsafeMutablePointer<dmadev_vchan_status>!
) -> Int32 {
    onDevice(dev_id) { (device, _) throws(DMAError) in
        let status = try required(status, "status")
        let found = try device.status(of: vchan)
        status.initialize(to: CDMADev.dmadev_vchan_status(rawValue: UInt32(found.rawValue)))
    }
}

@c @implementation
public func dmadev_dump(_ dev_id: Int16, _ file: UnsafeMutablePointer<FILE>!) -> Int32 {
    onDevice(dev_id) { (device, _) throws(DMAError) in
        fputs(try device.dump(), try required(file, "file"))
    }
}

@c @implementation
public func dmadev_status_name(_ status: dmadev_status_code) -> UnsafePointer<CChar>! {
    let status = CompletionStatus(rawValue: UInt16(clamping: status.rawValue))
    let name = CompletionStatus.table.first { $0.status == status }?.name ?? "unknown"
    return ConstantTexts.shared.pointer(name)
}

// MARK: Memory

@c @implementation
public func dmadev_dma_map(
    _ dev_id: Int16, _ addr: UnsafeMutableRawPointer!, _ length: Int, _ iova: UnsafeMutablePointer<UInt64>!
) -> Int32 {
    onDevice(dev_id) { (device, _) throws(DMAError) in
        let iova = try required(iova, "iova")
        guard length >= 0 else { throw invalid("length: more than the address space") }
        iova.pointee = try device.mapMemory(
            UnsafeMutableRawBufferPointer(start: try required(addr, "addr"), count: length),
            iova: iova.pointee == .max ? nil : iova.pointee)
    }
}

@c @implementation
public func dmadev_dma_unmap(_ dev_id: Int16, _ iova: UInt64) -> Int32 {
    onDevice(dev_id) { (device, _) throws(DMAError) in try device.unmapMemory(iova: iova) }
}

@c @implementation
public func dmadev_buffer_alloc(
    _ dev_id: Int16, _ length: Int, _ addr: UnsafeMutablePointer<UnsafeMutableRawPointer?>!
) -> Int32 {
    onDevice(dev_id) { (device, library) throws(DMAError) in
        let addr = try required(addr, "addr")
        addr.pointee = try library.makeBuffer(for: device, byteCount: length)
    }
}

@c @implementation
public func dmadev_buffer_free(_ addr: UnsafeMutableRawPointer!) -> Int32 {
    outcome { library throws(DMAError) in try library.freeBuffer(addr) }
}
