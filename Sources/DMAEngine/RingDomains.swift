internal import CDMADev
internal import DMADev

/// The domains of a ring's operations: the map, and the default handlers.
struct RingDomains {
    let map: Unmanaged<DomainMap>
    let source: UInt16
    let destination: UInt16

    /// The members that an operation uses; 0: the device itself.
    struct Handlers: Equatable {
        let source: UInt16
        let destination: UInt16
    }

    /// The handlers of an operation: its own override the ring's.
    @inline(__always)
    func handlers(of descriptor: dmadev_descriptor) -> Handlers {
        Handlers(
            source: descriptor.kind == UInt8(DMADEV_KIND_FILL)
                ? 0
                : descriptor.flags & UInt8(DMADEV_DESC_SRC_HANDLER) != 0 ? descriptor.src_handler : source,
            destination: descriptor.flags & UInt8(DMADEV_DESC_DST_HANDLER) != 0
                ? descriptor.dst_handler : destination)
    }

    /// The address spaces of operations with these handlers.
    ///
    /// - Parameter synchronizer: its accesses are open.
    func spaces(
        for handlers: Handlers, _ local: AddressSpaces, _ synchronizer: Synchronizer? = nil
    ) -> AddressSpaces {
        var source = space(handlers.source, isWrite: false, local.source)
        var destination = space(handlers.destination, isWrite: true, local.destination)
        if let synchronizer, synchronizer.hasAccesses {
            source.opened = synchronizer.readable
            destination.opened = synchronizer.writable
        }
        return AddressSpaces(source: source, destination: destination)
    }

    private func space(_ handler: UInt16, isWrite: Bool, _ local: AddressTranslation) -> AddressTranslation {
        handler == 0 || map._withUnsafeGuaranteedRef({ $0.isOwn(handler) })
            ? local : AddressTranslation(map, handler, isWrite: isWrite)
    }

    /// Records successful operations with these handlers.
    func recordTraffic(_ handlers: Handlers, _ operationCount: UInt64, _ byteCount: UInt64) {
        guard handlers.source != 0 || handlers.destination != 0 else { return }
        map._withUnsafeGuaranteedRef { $0.recordTraffic(handlers, operationCount, byteCount) }
    }

    /// The final status of an operation that has ended; its traffic is recorded.
    func finalStatus(_ status: CompletionStatus, _ operation: Operation, _ handlers: Handlers) -> CompletionStatus {
        guard status == .successful else { return finalStatus(status, operation.descriptor, handlers) }
        recordTraffic(handlers, 1, operation.moved)
        return status
    }

    /// The final status of a failed operation: `userAbort` if the member whose memory could not be accessed has left.
    /// Refused accesses are counted.
    func finalStatus(
        _ status: CompletionStatus, _ descriptor: dmadev_descriptor, _ handlers: Handlers
    ) -> CompletionStatus {
        let (handler, address): (UInt16, UInt64) =
            switch status {
            case .invalidSourceAddress: (handlers.source, descriptor.src)
            case .invalidDestinationAddress: (handlers.destination, descriptor.dst)
            default: (0, 0)
            }
        guard handler != 0 else { return status }
        return map._withUnsafeGuaranteedRef { map in
            if map.isRevoked(handler) { return .userAbort }
            if !map.isOwn(handler) { map.recordRefusal(handler, address, UInt64(descriptor.length), status) }
            return status
        }
    }
}
