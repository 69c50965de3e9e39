internal import CDMADev
internal import DMADev

/// Operations on ``SynchronizedMemory``: each access begins when the operation first needs it, and all end with the
/// operation. Meanwhile the ring has no work.
extension RingConsumer {
    /// Continues the blocked operation, if it can be.
    ///
    /// - Returns: whether the ring can go on.
    @inline(never)
    mutating func unblock(_ synchronizer: Synchronizer) -> Bool {
        switch synchronizer.next() {
        case .wait: return false
        case .run: break
        case .finish(let status):
            if let domains, let operation = running {
                finish(domains.finalStatus(status, operation, domains.handlers(of: operation.descriptor)))
            } else {
                finish(status)
            }
            publish()
        }
        return true
    }

    /// Blocks an operation that needs an access, or must end its accesses.
    ///
    /// - Parameter status: how the operation has ended, as far as the memory is accessible.
    /// - Returns: whether it is blocked.
    @inline(never)
    mutating func blocks(
        _ synchronizer: Synchronizer, _ status: CompletionStatus, _ operation: Operation,
        _ region: UnsafePointer<dmadev_sge>, _ spaces: AddressSpaces
    ) -> Bool {
        if status == .invalidSourceAddress || status == .invalidDestinationAddress,
            let next = operation.next(entries: region, maximumEntries: maximumEntries)
        {
            let isWrite = status == .invalidDestinationAddress
            let memory =
                isWrite ? spaces.destination.unopenedMemory(at: next.to) : spaces.source.unopenedMemory(at: next.from)
            if let memory, synchronizer.begin(memory, isWrite: isWrite) { return true }
        }
        guard synchronizer.hasAccesses else { return false }
        synchronizer.end(status)
        return true
    }
}
