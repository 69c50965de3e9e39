public import CDMADev
internal import Glibc
internal import SystemPackage

/// The number that an enqueue assigns to its operation: 16 bits, wrapping, starting at 0 after each start.
public typealias RingIndex = UInt16

/// One entry of a scatter-gather list: an address and a length in bytes, which may be 0; `struct rte_dma_sge`.
public typealias ScatterGatherEntry = dmadev_sge

extension dmadev_sge {
    /// The address is an IOVA; the length is in bytes.
    @inlinable
    public init(address: UInt64, length: UInt32) {
        self.init(addr: address, length: length, reserved: 0)
    }
}

/// The data path of one virtual channel.
///
/// One thread at a time may use a channel; the channels of a device are independent. No call blocks, allocates or
/// locks. Operations run on the device's engine whether or not they are polled. Calls on a stopped or closed device
/// return an error.
///
/// Addresses are IOVAs: with capability `sva` any virtual address of the process. The memory of an operation must stay
/// valid until its completion was polled or the device is stopped.
public final class VirtualChannel {
    /// The device.
    public let device: DMADevice
    /// The channel's number in its device.
    public let index: UInt16

    @usableFromInline let path: DataPath

    init(_ device: DMADevice, index: UInt16) {
        self.device = device
        self.index = index
        path = device.dataPath
    }

    // MARK: Enqueue

    /// Enqueues a copy; `rte_dma_copy`.
    ///
    /// - Parameter length: 1 to 4,294,967,295 bytes.
    /// - Parameter source: an IOVA.
    /// - Parameter flags: with `.submit` the doorbell rings at once.
    /// - Parameter destination: an IOVA.
    /// - Returns: the operation's ring index.
    /// - Throws: ``OperationError``; `.ringFull` when every descriptor is in use.
    @inlinable
    @discardableResult
    public func copy(
        from source: UInt64, to destination: UInt64, length: UInt32, flags: OperationFlags = []
    ) throws(OperationError) -> RingIndex {
        let result = path.copyDirectly(index, source, destination, length, flags.rawValue)
        guard result >= 0 else { throw error(result, .copy, DataPath.Arguments(flags: flags.rawValue, length: length)) }
        return RingIndex(truncatingIfNeeded: result)
    }

    /// Enqueues a copy between two lists with the same total length, split in any way; `rte_dma_copy_sg`.
    ///
    /// - Parameters:
    ///   - sources: and `destinations`: up to the device's `maximumEntryCount` entries each. The lists are copied:
    ///     they may be freed after the call.
    ///   - destinations: as many bytes in all as the sources.
    ///   - flags: with `.submit` the doorbell rings at once.
    /// - Throws: ``OperationError``; `.ringFull` when every descriptor is in use.
    @inlinable
    @discardableResult
    public func copy(
        from sources: UnsafeBufferPointer<ScatterGatherEntry>, to destinations: UnsafeBufferPointer<ScatterGatherEntry>,
        flags: OperationFlags = []
    ) throws(OperationError) -> RingIndex {
        let lists = DataPath.Lists(
            sources.baseAddress, destinations.baseAddress, UInt16(clamping: sources.count),
            UInt16(clamping: destinations.count))
        let result = path.copyScatterGather(
            index, lists.sources, lists.destinations, lists.sourceCount, lists.destinationCount, flags.rawValue)
        guard result >= 0 else {
            throw error(result, .copyScatterGather, DataPath.Arguments(flags: flags.rawValue, lists: lists))
        }
        return RingIndex(truncatingIfNeeded: result)
    }

    /// Enqueues a fill with an 8-byte little-endian pattern, truncated at the end of the range; `rte_dma_fill`.
    ///
    /// - Parameter length: 1 to 4,294,967,295 bytes.
    /// - Parameter flags: with `.submit` the doorbell rings at once.
    /// - Parameter destination: an IOVA.
    /// - Parameter pattern: its lowest byte is written first.
    /// - Throws: ``OperationError``; `.ringFull` when every descriptor is in use.
    @inlinable
    @discardableResult
    public func fill(
        _ destination: UInt64, pattern: UInt64, length: UInt32, flags: OperationFlags = []
    ) throws(OperationError) -> RingIndex {
        let result = path.fill(index, pattern, destination, length, flags.rawValue)
        guard result >= 0 else { throw error(result, .fill, DataPath.Arguments(flags: flags.rawValue, length: length)) }
        return RingIndex(truncatingIfNeeded: result)
    }

    // MARK: Doorbell

    /// Rings the doorbell: enqueued operations become visible to the engine; `rte_dma_submit`.
    @inlinable
    public func submit() throws(OperationError) {
        let result = path.submit(index)
        guard result >= 0 else { throw error(result, .submit) }
    }

    // MARK: Poll

    /// The result of a poll.
    @frozen
    public struct Completions: Sendable, Equatable {
        /// Operations that this call took off the ring.
        public let count: Int
        /// The last ring index reported by this or an earlier poll; 0xFFFF: none since the device started.
        public let lastIndex: RingIndex
        /// A failed operation is next, within the requested count: ``VirtualChannel/completedStatus(into:)`` returns
        /// its status.
        public let hasError: Bool

        @inlinable
        init(count: Int, lastIndex: RingIndex, hasError: Bool) {
            self.count = count
            self.lastIndex = lastIndex
            self.hasError = hasError
        }
    }

    /// Takes up to `count` successful operations off the ring; `rte_dma_completed`.
    ///
    /// Stops before the first failed operation.
    @inlinable
    public func completed(upTo count: UInt16) throws(OperationError) -> Completions {
        var lastIndex: UInt16 = 0
        var hasError = false
        let result = path.completed(index, count, &lastIndex, &hasError)
        guard result >= 0 else { throw error(result, .completed) }
        return Completions(count: Int(result), lastIndex: lastIndex, hasError: hasError)
    }

    /// Takes finished operations off the ring with their statuses, as many as fit into `statuses`;
    /// `rte_dma_completed_status`.
    ///
    /// - Parameter statuses: filled from index 0; up to 65,535 are used.
    @inlinable
    public func completedStatus(
        into statuses: UnsafeMutableBufferPointer<CompletionStatus>
    ) throws(OperationError) -> Completions {
        var lastIndex: UInt16 = 0
        let codes = UnsafeMutableRawPointer(statuses.baseAddress) ?? Self.unused
        let result = path.completedStatus(
            index, UInt16(clamping: statuses.count), &lastIndex, codes.assumingMemoryBound(to: UInt16.self))
        guard result >= 0 else { throw error(result, .completedStatus) }
        return Completions(count: Int(result), lastIndex: lastIndex, hasError: false)
    }

    /// The number of free descriptors: so many enqueues will not fail with a full ring; `rte_dma_burst_capacity`.
    @inlinable
    public var burstCapacity: Int {
        get throws(OperationError) {
            let result = path.burstCapacity(index)
            guard result >= 0 else { throw error(result, .burstCapacity) }
            return Int(result)
        }
    }

    // MARK: Operations as structures

    /// Enqueues operation structures and rings the doorbell; `rte_dma_enqueue_ops`. Only in enqueue/dequeue mode, in
    /// which the other enqueue and poll calls are not supported.
    ///
    /// - Returns: the number enqueued, from index 0: fewer when the ring is full or an operation is invalid.
    /// - Throws: ``OperationError`` when the first operation is invalid.
    @inlinable
    @discardableResult
    public func enqueue(
        _ operations: UnsafeBufferPointer<UnsafeMutablePointer<dmadev_op>>
    ) throws(OperationError) -> Int {
        let first = operations.baseAddress ?? UnsafePointer(Self.unused.assumingMemoryBound(to: Operation.self))
        let result = path.enqueue(index, first, UInt16(clamping: operations.count))
        guard result >= 0 else {
            throw error(
                result, .enqueueOperations, operations.isEmpty ? DataPath.Arguments() : DataPath.Arguments(first[0]))
        }
        return Int(result)
    }

    /// Dequeues finished operations in enqueue order, with their statuses set; `rte_dma_dequeue_ops`.
    ///
    /// - Returns: the number dequeued, from index 0 of `operations`.
    @inlinable
    public func dequeue(
        into operations: UnsafeMutableBufferPointer<UnsafeMutablePointer<dmadev_op>?>
    ) throws(OperationError) -> Int {
        let first = operations.baseAddress ?? Self.unused.assumingMemoryBound(to: Operation?.self)
        let result = path.dequeue(index, first, UInt16(clamping: operations.count))
        guard result >= 0 else { throw error(result, .dequeueOperations) }
        return Int(result)
    }

    @usableFromInline typealias Operation = UnsafeMutablePointer<dmadev_op>

    /// The address of a buffer without one. It is not null, and not accessed, because the buffer is empty.
    @usableFromInline static var unused: UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(bitPattern: 64).unsafelyUnwrapped
    }

    // MARK: Errors

    /// The error for a negative errno.
    @usableFromInline
    @inline(never)
    func error(_ result: Int32, _ call: DataCall, _ arguments: DataPath.Arguments = .init()) -> OperationError {
        OperationError(path.reason(result, call, index, arguments), Errno(rawValue: -result))
    }
}
