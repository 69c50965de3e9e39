internal import CDMATrace
internal import SystemPackage

/// The library's checks, in DPDK's order: first the arguments alone, then the limits of the device.
extension DeviceConfiguration {
    func validate(for properties: DeviceProperties) throws(DMAError) {
        guard flags.subtracting(.defined).isEmpty else {
            throw .invalid("configuration flags 0x\(String(flags.rawValue, radix: 16)) are undefined: bits 0 and 1 are")
        }
        let most = properties.maximumVirtualChannelCount
        guard virtualChannelCount >= 1, virtualChannelCount <= most else {
            throw .invalid("\(virtualChannelCount) virtual channels: the device takes 1 to \(most)")
        }
        guard priority == 0 || priority < properties.priorityCount else {
            throw .invalid(
                "priority \(priority): the device takes \(properties.priorityCount > 0 ? "0 to \(properties.priorityCount - 1)" : "only 0")"
            )
        }
        guard !flags.contains(.silent) || properties.capabilities.contains(.silent) else {
            throw .invalid("silent mode: the device lacks the capability silent")
        }
        guard !flags.contains(.enqueueDequeue) || properties.capabilities.contains(.enqueueDequeue) else {
            throw .invalid("enqueue/dequeue mode: the device lacks the capability enq_deq")
        }
    }
}

extension VirtualChannelConfiguration {
    /// Checks that need no device.
    func validate() throws(DMAError) {
        guard TransferDirection.table.contains(where: { $0.direction == direction }) else {
            throw .invalid("direction \(direction.rawValue): 0 to 3 are defined")
        }
        guard sourcePort.type.isDefined, destinationPort.type.isDefined else {
            throw .invalid("port type: 0 (none) and 1 (PCIe) are defined")
        }
        for port in [sourcePort, destinationPort] where port.type == .pcie {
            for field in port.pcie.fields where field.value > field.maximum {
                throw .invalid("PCIe port: \(field.name) \(field.value): 0 to \(field.maximum) are allowed")
            }
        }
        guard domain.type.isDefined else {
            throw .invalid("domain type \(domain.type.rawValue): 0 to 2 are defined")
        }
        guard direction.startsAtDevice == (sourcePort.type != .none) else {
            throw .invalid("source port: a \(direction.name) channel has \(direction.startsAtDevice ? "one" : "none")")
        }
        guard direction.endsAtDevice == (destinationPort.type != .none) else {
            throw .invalid(
                "destination port: a \(direction.name) channel has \(direction.endsAtDevice ? "one" : "none")")
        }
        guard domain.type == .none || direction == .mem2mem else {
            throw .invalid("domain: only a mem2mem channel crosses domains, this is \(direction.name)")
        }
    }

    /// Checks against the device and its configuration.
    func validate(
        _ vchan: UInt16, of device: DeviceConfiguration?, for properties: DeviceProperties
    ) throws(DMAError) {
        guard let device else {
            throw DMAError(.notConfigured, .invalidArgument, "the device is not configured")
        }
        guard vchan < device.virtualChannelCount else {
            throw .invalid("virtual channel \(vchan): 0 to \(device.virtualChannelCount - 1) are configured")
        }
        let capabilities = properties.capabilities
        guard let row = TransferDirection.table.first(where: { $0.direction == direction }),
            capabilities.contains(row.capability)
        else {
            throw .invalid("direction: the device lacks the capability \(direction.name)")
        }
        guard domain.type != .process || capabilities.contains(.interProcessDomain) else {
            throw .invalid("domain: the device lacks the capability inter_process_domain")
        }
        guard domain.type != .operatingSystem || capabilities.contains(.interOSDomain) else {
            throw .invalid("domain: the device lacks the capability inter_os_domain")
        }
        guard autoFreePool == nil || capabilities.contains(.autoFree) else {
            throw .invalid("auto-free pool: the device lacks the capability m2d_auto_free")
        }
        let allowed = properties.minimumDescriptorCount...properties.maximumDescriptorCount
        guard allowed.contains(descriptorCount) else {
            throw .invalid(
                "\(descriptorCount) descriptors: the device takes \(allowed.lowerBound) to \(allowed.upperBound)")
        }
        guard autoFreePool == nil || direction == .mem2dev else {
            throw .invalid("auto-free pool: only a mem2dev channel has one, this is \(direction.name)")
        }
        let hasHandler = domain.sourceHandler != 0 || domain.destinationHandler != 0
        guard hasHandler == (domain.type != .none) else {
            throw .invalid(
                domain.type == .none
                    ? "domain: handlers need a domain type" : "domain: at least one handler must be set")
        }
    }

    /// Opaque pool identifier for traces: the object's address; never dereferenced.
    private var poolNumber: UInt64 {
        autoFreePool.map { UInt64(UInt(bitPattern: ObjectIdentifier($0))) } ?? 0
    }

    func trace(_ device: Int16, _ vchan: UInt16, _ ret: Int32) {
        guard dmatrace_dmadev_vchan_setup_enabled() else { return }
        var record = dmatrace_vchan_configuration(
            direction: direction.rawValue, nb_desc: descriptorCount, src_port: sourcePort.record,
            dst_port: destinationPort.record, auto_free_pool: poolNumber, domain_type: domain.type.rawValue,
            src_handler: domain.sourceHandler, dst_handler: domain.destinationHandler)
        dmatrace_dmadev_vchan_setup(device, vchan, &record, ret)
    }
}

extension Port {
    fileprivate var record: dmatrace_port {
        dmatrace_port(
            type: type.rawValue, coreid: pcie.core, pfid: pcie.physicalFunction,
            vfen: pcie.virtualFunction == nil ? 0 : 1, vfid: pcie.virtualFunction ?? 0, pasid: pcie.pasid,
            attr: pcie.attributes, ph: pcie.processingHint, st: pcie.steeringTag)
    }
}

extension InterDomain {
    /// Checks that all handlers belong to current members. The error does not reveal which one does not.
    func validateHandlers(_ isLive: (DomainHandler) -> Bool) throws(DMAError) {
        for handler in [sourceHandler, destinationHandler] where handler != 0 {
            guard isLive(handler) else {
                throw .invalid("domain: a handler must belong to a current member of a group of this device")
            }
        }
    }
}

extension TransferDirection {
    /// The wire name, or the value if it has none.
    public var name: String {
        Self.table.first { $0.direction == self }?.name ?? "direction \(rawValue)"
    }
}

extension DMAError {
    static func invalid(_ message: String) -> DMAError {
        DMAError(.invalidArgument, .invalidArgument, message)
    }
}
