public import CDMADev
public import CDMATrace
internal import Glibc

/// The call layer of the data path: checks, the driver's function, the event.
///
/// Every data call, from Swift or C, passes through here and is checked once and traced once; event fields are computed
/// only while a session records the event. Results are those of the C functions: an index, a count or 0, or a negative
/// errno.
@frozen
public struct DataPath {
    @usableFromInline let table: UnsafeMutablePointer<dmadev_data_path>

    @inlinable
    init(_ table: UnsafeMutablePointer<dmadev_data_path>) {
        self.table = table
    }

    /// The checks that all enqueue calls share; true: refuse with `EINVAL`. `nb_vchans` is 0 while the device is
    /// stopped, so one comparison covers that too.
    @inlinable
    @inline(__always)
    func refusal(_ vchan: UInt16, _ length: UInt32, _ flags: UInt64) -> Bool {
        vchan >= table.pointee.nb_vchans || length == 0
            || flags & table.pointee.refused_flags != 0 && !offersDomains(flags)
    }

    /// Second check for flags in `refused_flags`: whether they are all domain flags of kinds that the device supports,
    /// with one kind per side and no handler on a side without a kind.
    @usableFromInline
    @inline(never)
    func offersDomains(_ flags: UInt64) -> Bool {
        let source = flags & (DMADEV_OP_SRC_PROCESS | DMADEV_OP_SRC_OS)
        let destination = flags & (DMADEV_OP_DST_PROCESS | DMADEV_OP_DST_OS)
        let sourceHandler = UInt16(truncatingIfNeeded: flags >> DMADEV_OP_SRC_HANDLER_SHIFT)
        let destinationHandler = UInt16(truncatingIfNeeded: flags >> DMADEV_OP_DST_HANDLER_SHIFT)
        let others = UInt64(UInt32.max) & ~DMADEV_OP_DOMAIN_FLAGS
        return flags & table.pointee.refused_flags & others == 0
            && (source | destination) & ~UInt64(table.pointee.domain_flags) == 0
            && source.nonzeroBitCount <= 1 && destination.nonzeroBitCount <= 1
            && (source != 0 || sourceHandler == 0) && (destination != 0 || destinationHandler == 0)
    }

    /// `rte_dma_copy`.
    @inlinable
    public func copy(_ vchan: UInt16, _ source: UInt64, _ destination: UInt64, _ length: UInt32, _ flags: UInt64)
        -> Int32
    {
        let result =
            refusal(vchan, length, flags)
            ? Self.invalid
            : ringing(vchan, byFlagOf: flags) {
                table.pointee.copy(table.pointee.driver, vchan, source, destination, length, flags)
            }
        if dmatrace_dmadev_copy_enabled() {
            dmatrace_dmadev_copy(table.pointee.dev_id, vchan, source, destination, length, flags, result)
        }
        return finish(result, .copy)
    }

    /// `rte_dma_copy_sg`.
    @inlinable
    public func copyScatterGather(
        _ vchan: UInt16, _ sources: UnsafePointer<dmadev_sge>?, _ destinations: UnsafePointer<dmadev_sge>?,
        _ sourceCount: UInt16, _ destinationCount: UInt16, _ flags: UInt64
    ) -> Int32 {
        let lists = Lists(sources, destinations, sourceCount, destinationCount)
        let result =
            refusal(vchan, 1, flags) || !lists.areAcceptable(maximum: table.pointee.max_sges)
            ? Self.invalid
            : ringing(vchan, byFlagOf: flags) {
                table.pointee.copy_sg(
                    table.pointee.driver, vchan, sources, destinations, sourceCount, destinationCount, flags)
            }
        if dmatrace_dmadev_copy_sg_enabled() {
            dmatrace_dmadev_copy_sg(
                table.pointee.dev_id, vchan, sources, destinations, sourceCount, destinationCount, flags, result)
        }
        return finish(result, .copyScatterGather)
    }

    /// `rte_dma_fill`.
    @inlinable
    public func fill(_ vchan: UInt16, _ pattern: UInt64, _ destination: UInt64, _ length: UInt32, _ flags: UInt64)
        -> Int32
    {
        let result =
            refusal(vchan, length, flags)
            ? Self.invalid
            : ringing(vchan, byFlagOf: flags) {
                table.pointee.fill(table.pointee.driver, vchan, pattern, destination, length, flags)
            }
        if dmatrace_dmadev_fill_enabled() {
            dmatrace_dmadev_fill(table.pointee.dev_id, vchan, pattern, destination, length, flags, result)
        }
        return finish(result, .fill)
    }

    /// `rte_dma_submit`.
    @inlinable
    @inline(__always)
    public func submit(_ vchan: UInt16) -> Int32 {
        let result =
            vchan >= table.pointee.nb_vchans
            ? Self.invalid : ringing(vchan) { table.pointee.submit(table.pointee.driver, vchan) }
        if dmatrace_dmadev_submit_enabled() {
            dmatrace_dmadev_submit(table.pointee.dev_id, vchan, result)
        }
        return finish(result, .submit)
    }

    /// `rte_dma_completed`.
    @inlinable
    public func completed(
        _ vchan: UInt16, _ count: UInt16, _ lastIndex: UnsafeMutablePointer<UInt16>,
        _ hasError: UnsafeMutablePointer<Bool>
    ) -> Int32 {
        let result =
            vchan >= table.pointee.nb_vchans
            ? Self.invalid
            : table.pointee.completed(table.pointee.driver, vchan, count, lastIndex, hasError)
        if dmatrace_dmadev_completed_enabled() {
            dmatrace_dmadev_completed(
                table.pointee.dev_id, vchan, count, lastIndex.pointee, hasError.pointee, result)
        }
        return finish(result, .completed)
    }

    /// `rte_dma_completed_status`.
    @inlinable
    public func completedStatus(
        _ vchan: UInt16, _ count: UInt16, _ lastIndex: UnsafeMutablePointer<UInt16>,
        _ status: UnsafeMutablePointer<UInt16>
    ) -> Int32 {
        let result =
            vchan >= table.pointee.nb_vchans
            ? Self.invalid
            : table.pointee.completed_status(table.pointee.driver, vchan, count, lastIndex, status)
        if dmatrace_dmadev_completed_status_enabled() {
            dmatrace_dmadev_completed_status(
                table.pointee.dev_id, vchan, count, lastIndex.pointee, status, result)
        }
        return finish(result, .completedStatus)
    }

    /// `rte_dma_burst_capacity`.
    @inlinable
    public func burstCapacity(_ vchan: UInt16) -> Int32 {
        let result =
            vchan >= table.pointee.nb_vchans
            ? Self.invalid : table.pointee.burst_capacity(table.pointee.driver, vchan)
        if dmatrace_dmadev_burst_capacity_enabled() {
            dmatrace_dmadev_burst_capacity(table.pointee.dev_id, vchan, result)
        }
        return finish(result, .burstCapacity)
    }

    /// `rte_dma_enqueue_ops`; enqueues in order, rings the doorbell, and returns the number of enqueued operations.
    @inlinable
    public func enqueue(
        _ vchan: UInt16, _ operations: UnsafePointer<UnsafeMutablePointer<dmadev_op>>, _ count: UInt16
    ) -> Int32 {
        var result = Self.invalid
        if vchan < table.pointee.nb_vchans {
            let acceptable = acceptableCount(vchan, operations, count)
            if acceptable > 0 || count == 0 {
                result = ringing(vchan) {
                    table.pointee.enqueue_ops(table.pointee.driver, vchan, operations, acceptable)
                }
            }
        }
        if dmatrace_dmadev_enqueue_ops_enabled() {
            dmatrace_dmadev_enqueue_ops(table.pointee.dev_id, vchan, operations, count, result)
        }
        return finish(result, .enqueueOperations)
    }

    /// The number of operations before the first invalid one.
    @usableFromInline
    func acceptableCount(
        _ vchan: UInt16, _ operations: UnsafePointer<UnsafeMutablePointer<dmadev_op>>, _ count: UInt16
    ) -> UInt16 {
        for index in 0..<Int(count) {
            let operation = operations[index]
            let lists = Lists(
                operation.sources, operation.destinations, operation.pointee.nb_src, operation.pointee.nb_dst)
            if refusal(vchan, 1, operation.pointee.flags) || !lists.areAcceptable(maximum: table.pointee.max_sges) {
                return UInt16(index)
            }
        }
        return count
    }

    /// `rte_dma_dequeue_ops`; returns the number of dequeued operations; their statuses are set.
    @inlinable
    public func dequeue(
        _ vchan: UInt16, _ operations: UnsafeMutablePointer<UnsafeMutablePointer<dmadev_op>?>, _ count: UInt16
    ) -> Int32 {
        let result =
            vchan >= table.pointee.nb_vchans
            ? Self.invalid : table.pointee.dequeue_ops(table.pointee.driver, vchan, operations, count)
        if dmatrace_dmadev_dequeue_ops_enabled() {
            dmatrace_dmadev_dequeue_ops(table.pointee.dev_id, vchan, operations, count, result)
        }
        return finish(result, .dequeueOperations)
    }

    /// Records a failure. A full ring is not recorded: the ring counts it.
    @inlinable
    @inline(__always)
    func finish(_ result: Int32, _ call: DataCall) -> Int32 {
        if result < 0 { recordFailure(result, call) }
        return result
    }

    @usableFromInline
    @inline(never)
    func recordFailure(_ result: Int32, _ call: DataCall) {
        guard result != -ENOSPC, let device = table.pointee.device else { return }
        // The device owns the table: while the table is in use, the device exists.
        Unmanaged<DMADevice>.fromOpaque(device).takeUnretainedValue()
            .recordFailure(
                call.rawValue, errno: -result, table.pointee.nb_vchans == 0 ? "the device is not started" : nil)
    }

    @usableFromInline static var invalid: Int32 { -EINVAL }

    /// The data calls with their names in traces.
    @usableFromInline
    enum DataCall: String {
        case copy
        case copyScatterGather = "copy_sg"
        case fill
        case submit
        case completed
        case completedStatus = "completed_status"
        case burstCapacity = "burst_capacity"
        case enqueueOperations = "enqueue_ops"
        case dequeueOperations = "dequeue_ops"
    }

    /// The two lists of a scatter-gather copy, unchecked.
    @usableFromInline
    struct Lists {
        @usableFromInline let sources: UnsafePointer<dmadev_sge>?
        @usableFromInline let destinations: UnsafePointer<dmadev_sge>?
        @usableFromInline let sourceCount: UInt16
        @usableFromInline let destinationCount: UInt16

        @inlinable
        init(
            _ sources: UnsafePointer<dmadev_sge>?, _ destinations: UnsafePointer<dmadev_sge>?, _ sourceCount: UInt16,
            _ destinationCount: UInt16
        ) {
            self.sources = sources
            self.destinations = destinations
            self.sourceCount = sourceCount
            self.destinationCount = destinationCount
        }

        @usableFromInline
        func areAcceptable(maximum: UInt16) -> Bool {
            guard sourceCount <= maximum, destinationCount <= maximum else { return false }
            guard let from = Self.sum(sources, sourceCount), let to = Self.sum(destinations, destinationCount) else {
                return false
            }
            return from == to
        }

        /// Bytes in a list; `nil` for a null list with entries. At most 64 times 32 bits: no overflow.
        static func sum(_ list: UnsafePointer<dmadev_sge>?, _ count: UInt16) -> UInt64? {
            guard count > 0 else { return 0 }
            guard let list else { return nil }
            return UnsafeBufferPointer(start: list, count: Int(count)).reduce(0) { $0 &+ UInt64($1.length) }
        }
    }
}

extension dmadev_data_path {
    /// A table whose functions all return `-ENOTSUP`: the initial table for a driver's start, and the table of a
    /// stopped device.
    static func nothing(_ id: Int16) -> dmadev_data_path {
        dmadev_data_path(
            driver: nil,
            copy: { _, _, _, _, _, _ in -ENOTSUP },
            copy_sg: { _, _, _, _, _, _, _ in -ENOTSUP },
            fill: { _, _, _, _, _, _ in -ENOTSUP },
            submit: { _, _ in -ENOTSUP },
            completed: { _, _, _, _, _ in -ENOTSUP },
            completed_status: { _, _, _, _, _ in -ENOTSUP },
            burst_capacity: { _, _ in -ENOTSUP },
            enqueue_ops: { _, _, _, _ in -ENOTSUP },
            dequeue_ops: { _, _, _, _ in -ENOTSUP },
            rung: { _, _, _ in -ENOTSUP },
            device: nil,
            refused_flags: ~OperationFlags.always.rawValue, dev_id: id, nb_vchans: 0, max_sges: 0,
            domain_flags: 0)
    }
}
