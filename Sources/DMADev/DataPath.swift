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

    /// The call layer over a device's table.
    @inlinable
    public init(_ table: UnsafeMutablePointer<dmadev_data_path>) {
        self.table = table
    }

    /// The checks that all enqueue calls share; true: refuse with `EINVAL`. `nb_vchans` is 0 while the device is
    /// stopped, so one comparison covers that too.
    @inlinable
    @inline(__always)
    func refusal(_ vchan: UInt16, _ length: UInt32, _ flags: UInt64) -> Bool {
        (vchan >= table.pointee.nb_vchans || length == 0
            || flags & table.pointee.refused_flags != 0 && !acceptsDomains(flags)) && !isObserved
    }

    /// Whether no call is refused, because the driver decides. Read only where a call would be refused: it costs nothing
    /// elsewhere.
    @inlinable
    @inline(__always)
    var isObserved: Bool { table.pointee.mode & UInt16(DMADEV_MODE_OBSERVED) != 0 }

    /// The check of calls without other arguments.
    @inlinable
    @inline(__always)
    func lacks(_ vchan: UInt16) -> Bool { vchan >= table.pointee.nb_vchans && !isObserved }

    /// Second check for flags in `refused_flags`: whether they are all domain flags of kinds that the device supports,
    /// with one kind per side and no handler on a side without a kind.
    @usableFromInline
    @inline(never)
    func acceptsDomains(_ flags: UInt64) -> Bool {
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
        func call() -> Int32 {
            refusal(vchan, length, flags)
                ? Self.invalid
                : ringing(vchan, byFlagOf: flags) {
                    table.pointee.copy(table.pointee.driver, vchan, source, destination, length, flags)
                }
        }
        let result =
            dmatrace_dmadev_copy_enabled()
            ? recording(call) {
                dmatrace_dmadev_copy(table.pointee.dev_id, vchan, source, destination, length, flags, $0)
            } : call()
        return finish(result, .copy, vchan, Arguments(flags: flags, length: length))
    }

    /// The same through the device's `direct_copy`: less for a caller to execute.
    @inlinable
    @inline(__always)
    func copyDirectly(
        _ vchan: UInt16, _ source: UInt64, _ destination: UInt64, _ length: UInt32, _ flags: UInt64
    ) -> Int32 {
        table.pointee.direct_copy(table, vchan, source, destination, length, flags)
    }

    /// `rte_dma_copy_sg`.
    @inlinable
    public func copyScatterGather(
        _ vchan: UInt16, _ sources: UnsafePointer<dmadev_sge>?, _ destinations: UnsafePointer<dmadev_sge>?,
        _ sourceCount: UInt16, _ destinationCount: UInt16, _ flags: UInt64
    ) -> Int32 {
        let lists = Lists(sources, destinations, sourceCount, destinationCount)
        func call() -> Int32 {
            refusal(vchan, 1, flags) || !lists.areAcceptable(maximum: table.pointee.max_sges) && !isObserved
                ? Self.invalid
                : ringing(vchan, byFlagOf: flags) {
                    table.pointee.copy_sg(
                        table.pointee.driver, vchan, sources, destinations, sourceCount, destinationCount, flags)
                }
        }
        let result =
            dmatrace_dmadev_copy_sg_enabled()
            ? recording(call) {
                dmatrace_dmadev_copy_sg(
                    table.pointee.dev_id, vchan, sources, destinations, sourceCount, destinationCount, flags, $0)
            } : call()
        return finish(result, .copyScatterGather, vchan, Arguments(flags: flags, lists: lists))
    }

    /// `rte_dma_fill`.
    @inlinable
    public func fill(_ vchan: UInt16, _ pattern: UInt64, _ destination: UInt64, _ length: UInt32, _ flags: UInt64)
        -> Int32
    {
        func call() -> Int32 {
            refusal(vchan, length, flags) || flags & Self.sourceDomain != 0 && !isObserved
                ? Self.invalid
                : ringing(vchan, byFlagOf: flags) {
                    table.pointee.fill(table.pointee.driver, vchan, pattern, destination, length, flags)
                }
        }
        let result =
            dmatrace_dmadev_fill_enabled()
            ? recording(call) {
                dmatrace_dmadev_fill(table.pointee.dev_id, vchan, pattern, destination, length, flags, $0)
            } : call()
        return finish(result, .fill, vchan, Arguments(flags: flags, length: length))
    }

    /// `rte_dma_submit`.
    @inlinable
    @inline(__always)
    public func submit(_ vchan: UInt16) -> Int32 {
        func call() -> Int32 {
            lacks(vchan)
                ? Self.invalid : ringing(vchan) { table.pointee.submit(table.pointee.driver, vchan) }
        }
        let result =
            dmatrace_dmadev_submit_enabled()
            ? recording(call) {
                dmatrace_dmadev_submit(table.pointee.dev_id, vchan, $0)
            } : call()
        return finish(result, .submit, vchan)
    }

    /// `rte_dma_completed`.
    @inlinable
    public func completed(
        _ vchan: UInt16, _ count: UInt16, _ lastIndex: UnsafeMutablePointer<UInt16>,
        _ hasError: UnsafeMutablePointer<Bool>
    ) -> Int32 {
        if dmadev_poll_is_direct(&table.pointee.polls, vchan) {
            guard dmadev_poll_is_empty(&table.pointee.polls, vchan, lastIndex) else {
                return table.pointee.completed(table.pointee.driver, vchan, count, lastIndex, hasError)
            }
            hasError.pointee = false
            return 0
        }
        func call() -> Int32 {
            lacks(vchan)
                ? Self.invalid
                : table.pointee.completed(table.pointee.driver, vchan, count, lastIndex, hasError)
        }
        let result =
            dmatrace_dmadev_completed_enabled()
            ? recording(call) {
                dmatrace_dmadev_completed(table.pointee.dev_id, vchan, count, lastIndex.pointee, hasError.pointee, $0)
            } : call()
        return finish(result, .completed, vchan)
    }

    /// `rte_dma_completed_status`.
    @inlinable
    public func completedStatus(
        _ vchan: UInt16, _ count: UInt16, _ lastIndex: UnsafeMutablePointer<UInt16>,
        _ status: UnsafeMutablePointer<UInt16>
    ) -> Int32 {
        func call() -> Int32 {
            lacks(vchan)
                ? Self.invalid
                : table.pointee.completed_status(table.pointee.driver, vchan, count, lastIndex, status)
        }
        let result =
            dmatrace_dmadev_completed_status_enabled()
            ? recording(call) {
                dmatrace_dmadev_completed_status(table.pointee.dev_id, vchan, count, lastIndex.pointee, status, $0)
            } : call()
        return finish(result, .completedStatus, vchan)
    }

    /// `rte_dma_burst_capacity`.
    @inlinable
    public func burstCapacity(_ vchan: UInt16) -> Int32 {
        func call() -> Int32 {
            lacks(vchan)
                ? Self.invalid : table.pointee.burst_capacity(table.pointee.driver, vchan)
        }
        let result =
            dmatrace_dmadev_burst_capacity_enabled()
            ? recording(call) {
                dmatrace_dmadev_burst_capacity(table.pointee.dev_id, vchan, $0)
            } : call()
        return finish(result, .burstCapacity, vchan)
    }

    /// `rte_dma_enqueue_ops`; enqueues in order, rings the doorbell, and returns the number of enqueued operations.
    @inlinable
    public func enqueue(
        _ vchan: UInt16, _ operations: UnsafePointer<UnsafeMutablePointer<dmadev_op>>, _ count: UInt16
    ) -> Int32 {
        func call() -> Int32 {
            guard !lacks(vchan) else { return Self.invalid }
            let acceptable = acceptableCount(vchan, operations, count)
            guard acceptable > 0 || count == 0 else { return Self.invalid }
            let result = ringing(vchan) {
                table.pointee.enqueue_ops(table.pointee.driver, vchan, operations, acceptable)
            }
            if result >= 0, result < acceptable, dmatrace_dmadev_enqueue_rejected_enabled() {
                dmatrace_dmadev_enqueue_rejected(table.pointee.dev_id, vchan)
            }
            return result
        }
        let result =
            dmatrace_dmadev_enqueue_ops_enabled()
            ? recording(call) {
                dmatrace_dmadev_enqueue_ops(table.pointee.dev_id, vchan, operations, count, $0)
            } : call()
        return finish(result, .enqueueOperations, vchan, count > 0 ? Arguments(operations[0]) : Arguments())
    }

    /// The number of operations before the first invalid one.
    @usableFromInline
    func acceptableCount(
        _ vchan: UInt16, _ operations: UnsafePointer<UnsafeMutablePointer<dmadev_op>>, _ count: UInt16
    ) -> UInt16 {
        for index in 0..<Int(count) {
            let operation = operations[index]
            if refusal(vchan, 1, operation.pointee.flags)
                || !Lists(operation).areAcceptable(maximum: table.pointee.max_sges) && !isObserved
            {
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
        func call() -> Int32 {
            lacks(vchan)
                ? Self.invalid : table.pointee.dequeue_ops(table.pointee.driver, vchan, operations, count)
        }
        let result =
            dmatrace_dmadev_dequeue_ops_enabled()
            ? recording(call) {
                dmatrace_dmadev_dequeue_ops(table.pointee.dev_id, vchan, operations, count, $0)
            } : call()
        return finish(result, .dequeueOperations, vchan)
    }

    /// Makes a call whose event a session records. Callers ask for the session before the call, so that without one the
    /// arguments need not be kept over it.
    @usableFromInline
    @inline(never)
    func recording(_ call: () -> Int32, _ record: (Int32) -> Void) -> Int32 {
        let result = call()
        record(result)
        return result
    }

    /// Counts a failure of an enqueue.
    @inlinable
    @inline(__always)
    func finish(
        _ result: Int32, _ call: DataCall, _ vchan: UInt16, _ arguments: @autoclosure () -> Arguments
    ) -> Int32 {
        result < 0 ? countFailure(result, call, vchan, arguments()) : result
    }

    /// Counts a failure of a call whose arguments cannot be the reason.
    @inlinable
    @inline(__always)
    func finish(_ result: Int32, _ call: DataCall, _ vchan: UInt16) -> Int32 {
        result < 0 ? countFailure(result, call, vchan) : result
    }

    /// Whether the call layer has nothing to refuse or record for a copy without flags: its part of a driver's `direct_copy`.
    @inlinable
    @inline(__always)
    public func passes(copyOf length: UInt32, on vchan: UInt16) -> Bool {
        // All are likely: else the compiler would compute two of them before it branches, which takes longer.
        _fastPath(vchan < table.pointee.nb_vchans) && _fastPath(length != 0)
            && _fastPath(!dmatrace_dmadev_copy_enabled())
    }

    /// Whether it has nothing to refuse or record for the flags of such a copy.
    @inlinable
    @inline(__always)
    public func passes(flagsOfCopy flags: UInt64) -> Bool {
        flags & table.pointee.refused_flags == 0
            && (flags & OperationFlags.submit.rawValue == 0 || !dmatrace_dmadev_burst_enabled())
    }

    /// The same for `completed`, which may fail nevertheless: the driver's function returns an errno then.
    @inlinable
    @inline(__always)
    public func passesPolls(of vchan: UInt16) -> Bool {
        vchan < table.pointee.nb_vchans && !dmatrace_dmadev_completed_enabled()
    }

    /// The word that tells whether a session records every `completed`.
    public static var recordsPolls: UnsafePointer<CInt> { dmatrace_dmadev_completed_state() }

    /// The result of a poll as a count for C callers, who have no negative ones.
    static func count(_ result: Int32) -> UInt16 { UInt16(truncatingIfNeeded: max(result, 0)) }

    @usableFromInline static var invalid: Int32 { -EINVAL }

    /// The flags that give the source of an operation a domain.
    @usableFromInline static var sourceDomain: UInt64 { DMADEV_OP_SRC_PROCESS | DMADEV_OP_SRC_OS }

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
        init(_ operation: UnsafeMutablePointer<dmadev_op>) {
            self.init(
                operation.sources, operation.destinations, operation.pointee.nb_src, operation.pointee.nb_dst)
        }

        @usableFromInline
        func areAcceptable(maximum: UInt16) -> Bool {
            areShort(maximum) && areEqual
        }

        func areShort(_ maximum: UInt16) -> Bool { sourceCount <= maximum && destinationCount <= maximum }

        /// Whether both are there and have as many bytes.
        var areEqual: Bool {
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
    ///
    /// - Parameter failures: where failed calls of the device are counted.
    static func nothing(_ id: Int16, _ failures: DataCallFailures) -> dmadev_data_path {
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
            failures: failures.rows, refused_flags: ~OperationFlags.always.rawValue,
            nb_failures: UInt32(failures.channelCount), dev_id: id, nb_vchans: 0, max_sges: 0, domain_flags: 0, mode: 0,
            direct_copy: dmadev_call_copy, direct_completed: dmadev_call_completed, polls: dmadev_polls())
    }
}
