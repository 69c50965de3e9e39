internal import SystemPackage

/// The calls with buffers instead of addresses. They check that the ranges are inside of the buffers.
///
/// A buffer must be reachable for the device: one with SVA reaches all, others those that ``DMADevice/map(_:)`` has mapped.
/// The channel holds no reference: keep the buffers until the completion was polled or the device is stopped.
extension VirtualChannel {
    /// Enqueues a copy between buffers; `rte_dma_copy`.
    ///
    /// - Parameters:
    ///   - source: the buffer to read.
    ///   - sourceOffset: the first byte there.
    ///   - destination: the buffer to write; may be the same one, if the ranges do not overlap.
    ///   - destinationOffset: the first byte there.
    ///   - byteCount: 1 to 4,294,967,295; by default as many as both buffers have from there.
    ///   - flags: with `.submit` the doorbell rings at once.
    /// - Returns: the operation's ring index.
    /// - Throws: ``OperationError``; `.outOfBounds` for a range outside of its buffer, `.notMapped` for a buffer that the
    ///   device has not mapped, `.ringFull` when every descriptor is in use.
    @discardableResult
    public func copy(
        from source: DeviceBuffer, sourceOffset: Int = 0, to destination: DeviceBuffer,
        destinationOffset: Int = 0, byteCount: Int? = nil, flags: OperationFlags = []
    ) throws(OperationError) -> RingIndex {
        let rest = min(source.byteCount - max(sourceOffset, 0), destination.byteCount - max(destinationOffset, 0))
        let count = byteCount ?? rest
        return try copy(
            from: address(source, sourceOffset, count), to: address(destination, destinationOffset, count),
            length: UInt32(truncatingIfNeeded: count), flags: flags)
    }

    /// Enqueues a fill of a buffer with an 8-byte little-endian pattern; `rte_dma_fill`.
    ///
    /// - Parameters:
    ///   - destination: the buffer to write.
    ///   - offset: the first byte there.
    ///   - pattern: its lowest byte is written first.
    ///   - byteCount: 1 to 4,294,967,295; by default as many as the buffer has from there.
    ///   - flags: with `.submit` the doorbell rings at once.
    /// - Returns: the operation's ring index.
    /// - Throws: as ``copy(from:sourceOffset:to:destinationOffset:byteCount:flags:)``.
    @discardableResult
    public func fill(
        _ destination: DeviceBuffer, offset: Int = 0, pattern: UInt64, byteCount: Int? = nil,
        flags: OperationFlags = []
    ) throws(OperationError) -> RingIndex {
        let count = byteCount ?? destination.byteCount - max(offset, 0)
        return try fill(
            address(destination, offset, count), pattern: pattern, length: UInt32(truncatingIfNeeded: count),
            flags: flags)
    }

    private func address(_ buffer: DeviceBuffer, _ offset: Int, _ count: Int) throws(OperationError) -> UInt64 {
        guard offset >= 0, count > 0, count <= UInt32.max, offset <= buffer.byteCount,
            count <= buffer.byteCount - offset
        else { throw OperationError(.outOfBounds, .invalidArgument) }
        guard let address = buffer.address(on: device) else { throw OperationError(.notMapped, .invalidArgument) }
        return address + UInt64(offset)
    }
}
