public import CDMADev

/// One operation as a structure, for ``VirtualChannel/enqueue(_:)`` and ``VirtualChannel/dequeue(into:)``;
/// `struct rte_dma_op`.
///
/// A copy between lists: `sources.count` entries, then `destinations.count`. The object owns the structure's memory;
/// keep it until the operation is dequeued or the device is stopped.
public final class OperationBuffer {
    /// The C structure, for `enqueue` and `dequeue`.
    public let pointer: UnsafeMutablePointer<dmadev_op>

    /// Creates an operation. Counts above 65,535 entries are clamped.
    ///
    /// - Parameters:
    ///   - userData: any value for the application's use; `user_meta`.
    ///   - destinations: up to the device's `maximumEntryCount` entries.
    ///   - sources: up to the device's `maximumEntryCount` entries, with as many bytes as the destinations.
    ///   - flags: fence and domain flags; the doorbell rings after the whole call.
    public init(
        from sources: [ScatterGatherEntry], to destinations: [ScatterGatherEntry], flags: OperationFlags = [],
        userData: UInt64 = 0
    ) {
        let count = sources.count + destinations.count
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: MemoryLayout<dmadev_op>.stride + count * MemoryLayout<dmadev_sge>.stride, alignment: 64)
        pointer = memory.bindMemory(to: dmadev_op.self, capacity: 1)
        pointer.initialize(to: dmadev_op())
        pointer.pointee.flags = flags.rawValue
        pointer.pointee.user_meta = userData
        pointer.pointee.nb_src = UInt16(clamping: sources.count)
        pointer.pointee.nb_dst = UInt16(clamping: destinations.count)
        let entries = (memory + MemoryLayout<dmadev_op>.stride).bindMemory(to: dmadev_sge.self, capacity: count)
        for (index, entry) in (sources + destinations).enumerated() { (entries + index).initialize(to: entry) }
    }

    deinit {
        pointer.deallocate()
    }

    /// The result of the operation; set when it is dequeued.
    public var status: CompletionStatus { pointer.status }

    /// The value passed at creation; `user_meta`.
    public var userData: UInt64 { pointer.pointee.user_meta }
}

extension UnsafeMutablePointer<dmadev_op> {
    /// The result of the operation; set when it is dequeued.
    public var status: CompletionStatus { CompletionStatus(rawValue: UInt16(truncatingIfNeeded: pointee.status)) }

    /// The source entries behind the structure.
    public var sources: UnsafePointer<dmadev_sge> {
        UnsafePointer(UnsafeMutableRawPointer(self + 1).assumingMemoryBound(to: dmadev_sge.self))
    }

    /// The destination entries after the source entries.
    public var destinations: UnsafePointer<dmadev_sge> { sources + Int(pointee.nb_src) }
}
