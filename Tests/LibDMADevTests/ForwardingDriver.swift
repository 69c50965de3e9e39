import CDMADev
import DMADev
import Glibc
import LibDMADev
import Synchronization
import SystemPackage

/// A driver whose devices are devices of the C library, which it calls through its headers: what runs on it, runs through
/// the C library. Counters that only displays read come from the device itself.
final class ForwardingDriver: DMADriver, @unchecked Sendable {
    // Constant, but for the flags and the pools, which only control calls use: those of a device exclude each other.
    let properties: DeviceProperties
    private let id: Int16
    private let inner: DeviceView
    private var flags: ConfigurationFlags = []

    init(_ specification: String) throws(DMAError) {
        Self.preparations
        let number = Self.names.wrappingAdd(1, ordering: .relaxed).newValue
        id = Int16(try Self.check(dmadev_create("\(specification),name=inner\(number)")))
        var info = dmadev_info()
        try Self.check(dmadev_info_get(id, &info))
        inner = try DeviceRegistry.shared.view(of: id)
        properties = DeviceProperties(
            driver: String(cString: info.driver_name), capabilities: Capabilities(rawValue: info.dev_capa),
            maximumVirtualChannelCount: info.max_vchans, maximumDescriptorCount: info.max_desc,
            minimumDescriptorCount: info.min_desc, maximumEntryCount: info.max_sges, priorityCount: info.nb_priorities,
            numaNode: info.numa_node, accessGroupCount: info.nb_access_groups,
            controllerID: info.controller_id == .max ? nil : info.controller_id,
            domainClass: inner.properties.domainClass, sharesEngine: inner.properties.sharesEngine)
    }

    @discardableResult
    private static func check(_ result: Int32) throws(DMAError) -> Int32 {
        guard result < 0 else { return result }
        let code: DMAError.Code = result == -ENOTSUP ? .notSupported : result == -EBUSY ? .busy : .invalidArgument
        throw DMAError(code, Errno(rawValue: -result), String(cString: dmadev_error()))
    }

    private static let names = Atomic(0)

    /// Before the first device. Pools are objects whose address is the pool of the C call.
    private static let preparations: Void = {
        _ = dmadev_dev_max(4096)
        dmadev_set_pool_free(
            { (pool, address, _) in
                // The driver keeps the objects that it has passed.
                let box = Unmanaged<PoolBox>.fromOpaque(UnsafeRawPointer(pool.unsafelyUnwrapped))
                box.takeUnretainedValue().pool.giveBack(address)
            }, nil)
    }()

    private final class PoolBox {
        let pool: any BufferPool
        init(_ pool: any BufferPool) { self.pool = pool }
    }

    private var pools: [PoolBox] = []

    func registered(as id: Int16) {}

    func configure(_ configuration: DeviceConfiguration) throws(DMAError) {
        flags = configuration.flags
        var conf = dmadev_conf()
        conf.nb_vchans = configuration.virtualChannelCount
        conf.priority = configuration.priority
        conf.flags = configuration.flags.rawValue
        try Self.check(dmadev_configure(id, &conf))
    }

    func setUpVirtualChannel(_ vchan: UInt16, _ configuration: VirtualChannelConfiguration) throws(DMAError) {
        var conf = dmadev_vchan_conf()
        conf.direction = dmadev_direction(rawValue: UInt32(configuration.direction.rawValue))
        conf.nb_desc = configuration.descriptorCount
        conf.src_port = Self.port(configuration.sourcePort)
        conf.dst_port = Self.port(configuration.destinationPort)
        conf.domain.type = dmadev_inter_domain_type(rawValue: UInt32(configuration.domain.type.rawValue))
        conf.domain.src_handler = configuration.domain.sourceHandler
        conf.domain.dst_handler = configuration.domain.destinationHandler
        if let pool = configuration.autoFreePool {
            pools.append(PoolBox(pool))
            conf.auto_free_pool = Unmanaged.passUnretained(pools[pools.count - 1]).toOpaque()
        }
        try Self.check(dmadev_vchan_setup(id, vchan, &conf))
    }

    private static func port(_ port: Port) -> dmadev_port {
        var made = dmadev_port()
        made.port_type = dmadev_port_type(rawValue: UInt32(port.type.rawValue))
        var (word, shift) = (UInt64(0), UInt64(0))
        for (field, width) in zip(port.pcie.fields, [4, 8, 1, 16, 20, 3, 2] as [UInt64]) {
            word |= UInt64(field.value) << shift
            shift += width
        }
        made.pcie = (word, UInt64(port.pcie.steeringTag))
        return made
    }

    func start(_ path: inout dmadev_data_path) throws(DMAError) {
        try Self.check(dmadev_start(id))
        path.driver = UnsafeMutableRawPointer(bitPattern: Int(id) + 1)
        // A count cannot be an error: what a poll refuses is not set, as in a driver in C.
        let polls = !flags.contains(.silent)
        if flags.contains(.enqueueDequeue) {
            path.enqueue_ops = { (device, vchan, operations, count) in
                let list = UnsafeMutableRawPointer(mutating: operations)
                    .assumingMemoryBound(to: UnsafeMutablePointer<dmadev_op>?.self)
                let taken = dmadev_enqueue_ops(number(device), vchan, list, count)
                // None, although there is room: the first is invalid.
                let isInvalid = taken == 0 && count > 0 && dmadev_burst_capacity(number(device), vchan) > 0
                return isInvalid ? -EINVAL : Int32(taken)
            }
            if polls { path.dequeue_ops = { Int32(dmadev_dequeue_ops(number($0), $1, $2, $3)) } }
        }
        path.copy = { dmadev_copy(number($0), $1, $2, $3, $4, $5) }
        path.copy_sg = { dmadev_copy_sg(number($0), $1, $2, $3, $4, $5, $6) }
        path.fill = { dmadev_fill(number($0), $1, $2, $3, $4, $5) }
        path.submit = { dmadev_submit(number($0), $1) }
        path.burst_capacity = { Int32(dmadev_burst_capacity(number($0), $1)) }
        guard polls, !flags.contains(.enqueueDequeue) else { return }
        path.completed = { Int32(dmadev_completed(number($0), $1, $2, $3, $4)) }
        path.completed_status = { (device, vchan, count, last, statuses) in
            var wide = [dmadev_status_code](repeating: DMADEV_STATUS_SUCCESSFUL, count: Int(count))
            let taken = dmadev_completed_status(number(device), vchan, count, last, &wide)
            for index in 0..<Int(taken) { statuses[index] = UInt16(wide[index].rawValue) }
            return Int32(taken)
        }
    }

    func stop() throws(DMAError) { try Self.check(dmadev_stop(id)) }

    func close() throws(DMAError) { try Self.check(dmadev_close(id)) }

    func statistics(of vchan: UInt16) -> Statistics {
        var stats = dmadev_stats()
        guard dmadev_stats_get(id, vchan, &stats) == 0 else { return Statistics() }
        return Statistics(submitted: stats.submitted, completed: stats.completed, errors: stats.errors)
    }

    func status(of vchan: UInt16) -> VirtualChannelStatus {
        var status = DMADEV_VCHAN_IDLE
        guard dmadev_vchan_status(id, vchan, &status) == 0 else { return .haltedError }
        return VirtualChannelStatus(rawValue: Int32(status.rawValue)) ?? .haltedError
    }

    func mapMemory(_ address: UInt64, byteCount: UInt64, iova: UInt64?) throws(DMAError) -> UInt64 {
        var chosen = iova ?? .max
        try Self.check(
            dmadev_dma_map(id, UnsafeMutableRawPointer(bitPattern: UInt(address)), Int(byteCount), &chosen))
        return chosen
    }

    func unmapMemory(iova: UInt64) throws(DMAError) { try Self.check(dmadev_dma_unmap(id, iova)) }

    func makeBuffer(byteCount: Int) throws(DMAError) -> DeviceBuffer {
        var address: UnsafeMutableRawPointer?
        try Self.check(dmadev_buffer_alloc(id, byteCount, &address))
        let number = UInt(bitPattern: address)
        return DeviceBuffer(UnsafeMutableRawBufferPointer(start: address, count: byteCount)) {
            _ = dmadev_buffer_free(UnsafeMutableRawPointer(bitPattern: number))
        }
    }

    // MARK: For displays

    func counters(of vchan: UInt16) -> ChannelCounters? { inner.counters(of: vchan) }
    func ringUse(of vchan: UInt16) -> RingUse? { inner.ringUse(of: vchan) }
    func progress(of vchan: UInt16) -> ChannelProgress { inner.progress(of: vchan) }
    var engines: [EngineReport] { inner.engines }
}

/// The number of the inner device: the driver argument is one more, which is not NULL.
private func number(_ device: UnsafeMutableRawPointer?) -> Int16 { Int16(Int(bitPattern: device) - 1) }
