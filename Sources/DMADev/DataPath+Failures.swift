public import CDMADev
internal import CDMATrace
internal import Glibc
internal import LinuxSystem
internal import SystemPackage
internal import Synchronization

/// The data calls; the number of a case is its place in the counters of failed calls.
@usableFromInline
enum DataCall: Int, CaseIterable {
    case copy, copyScatterGather, fill, submit, completed, completedStatus, burstCapacity, enqueueOperations
    case dequeueOperations

    /// The name in traces and in `/dmadev/errors`.
    var name: String {
        switch self {
        case .copy: "copy"
        case .copyScatterGather: "copy_sg"
        case .fill: "fill"
        case .submit: "submit"
        case .completed: "completed"
        case .completedStatus: "completed_status"
        case .burstCapacity: "burst_capacity"
        case .enqueueOperations: "enqueue_ops"
        case .dequeueOperations: "dequeue_ops"
        }
    }

    /// Whether only enqueue/dequeue mode has it.
    var takesStructures: Bool { self == .enqueueOperations || self == .dequeueOperations }

    /// Whether silent mode lacks it.
    var isPoll: Bool { self == .completed || self == .completedStatus || self == .dequeueOperations }
}

/// Failed calls: off the fast path, but without a lock, an allocation or a call into the Swift runtime, because a program
/// may repeat a failing call without end.
extension DataPath {
    /// The arguments of an enqueue that can be the reason for its failure.
    @usableFromInline
    struct Arguments {
        @usableFromInline let flags: UInt64
        @usableFromInline let length: UInt32
        @usableFromInline let lists: Lists?

        @inlinable
        init(flags: UInt64 = 0, length: UInt32 = 1, lists: Lists? = nil) {
            self.flags = flags
            self.length = length
            self.lists = lists
        }

        @inlinable
        init(_ operation: UnsafeMutablePointer<dmadev_op>) {
            self.init(flags: operation.pointee.flags, lists: Lists(operation))
        }
    }

    /// Counts a failed call. A full ring is not counted here, because the ring does.
    ///
    /// - Returns: the result, so that the caller need not keep it.
    @usableFromInline
    @inline(never)
    func countFailure(_ result: Int32, _ call: DataCall, _ vchan: UInt16, _ arguments: Arguments) -> Int32 {
        guard result != -ENOSPC else {
            dmatrace_dmadev_enqueue_rejected(table.pointee.dev_id, vchan)
            return result
        }
        let reason = reason(result, call, vchan, arguments)
        let channels = Int(table.pointee.nb_failures)
        let now = MonotonicTime.wallClockNanoseconds
        let row = DataCallFailures.row(min(Int(vchan), channels - 1), call, reason)
        (table.pointee.failures + row).addFailure(-result, at: now)
        (table.pointee.failures + DataCallFailures.totalRow(channels)).addFailure(-result, at: now)
        return result
    }

    /// The same for a call whose arguments cannot be the reason.
    @usableFromInline
    @inline(never)
    func countFailure(_ result: Int32, _ call: DataCall, _ vchan: UInt16) -> Int32 {
        countFailure(result, call, vchan, Arguments())
    }

    /// The reason for a negative result.
    @usableFromInline
    @inline(never)
    func reason(
        _ result: Int32, _ call: DataCall, _ vchan: UInt16, _ arguments: Arguments
    ) -> OperationError.Reason {
        if result == -ENOSPC { return .ringFull }
        let mode = table.pointee.mode
        if table.pointee.nb_vchans == 0 { return mode & UInt16(DMADEV_MODE_CLOSED) != 0 ? .closed : .notStarted }
        if vchan >= table.pointee.nb_vchans { return .noSuchChannel }
        switch -result {
        case ENOTSUP:
            let hasStructures = mode & UInt16(DMADEV_MODE_ENQ_DEQ) != 0
            if call != .burstCapacity, call.takesStructures != hasStructures { return .wrongMode }
            return call.isPoll && mode & UInt16(DMADEV_MODE_SILENT) != 0 ? .silentMode : .notSupported
        case EIO: return .halted
        case EINVAL: return invalidity(of: arguments, call)
        default: return .other
        }
    }

    private func invalidity(of arguments: Arguments, _ call: DataCall) -> OperationError.Reason {
        if arguments.length == 0 { return .zeroLength }
        if arguments.flags & table.pointee.refused_flags != 0, !acceptsDomains(arguments.flags) { return .flag }
        if call == .fill, arguments.flags & Self.sourceDomain != 0 { return .fillSource }
        if let lists = arguments.lists {
            if !lists.areShort(table.pointee.max_sges) { return .tooManyEntries }
            // Lists that another library has refused may not be readable.
            if !isObserved, !lists.areEqual { return .unequalLists }
        }
        return arguments.flags & OperationFlags.autoFree.rawValue != 0 ? .noPool : .other
    }
}

/// The counters of a device's failed data calls; freed with the device. Any thread may call.
final class DataCallFailures: @unchecked Sendable {
    // The pointer is constant. The words behind it are atomic; any thread writes them.
    let rows: UnsafeMutablePointer<dmadev_failures>
    /// The device's channels, and one for numbers that it does not have.
    let channelCount: Int

    /// - Parameter maximumChannelCount: of the device. Memory of channels without failures is not touched.
    /// - Throws: `ENOMEM`.
    init(maximumChannelCount: UInt16) throws(DMAError) {
        channelCount = Int(maximumChannelCount) + 1
        let count = Self.totalRow(channelCount) + 1
        guard let memory = calloc(count, MemoryLayout<dmadev_failures>.stride) else {
            throw DMAError(
                .exhausted, .noMemory, "not enough memory to count the failed calls of \(maximumChannelCount) channels")
        }
        rows = memory.bindMemory(to: dmadev_failures.self, capacity: count)
    }

    deinit {
        free(rows)
    }

    /// The index of the row of a kind.
    static func row(_ channel: Int, _ call: DataCall, _ reason: OperationError.Reason) -> Int {
        (channel * Int(DMADEV_CALL_COUNT) + call.rawValue) * Int(DMADEV_REASON_COUNT) + Int(reason.rawValue)
    }

    /// The index of the row that counts all failures, after those of all channels.
    static func totalRow(_ channels: Int) -> Int { channels * Int(DMADEV_CALL_COUNT * DMADEV_REASON_COUNT) }

    /// The number of failed data calls.
    var count: UInt64 { (rows + Self.totalRow(channelCount)).member(\.count).loadAcquiring() }

    /// One entry for each kind that has failed.
    func entries(of device: Int16) -> [FailedCall] {
        guard count > 0 else { return [] }
        var all: [FailedCall] = []
        for channel in 0..<channelCount {
            for call in DataCall.allCases {
                for reason in OperationError.Reason.allCases {
                    let row = rows + Self.row(channel, call, reason)
                    let count = row.member(\.count).loadAcquiring()
                    guard count > 0 else { continue }
                    all.append(
                        FailedCall(
                            call: call.name, device: device, vchan: channel < channelCount - 1 ? UInt16(channel) : nil,
                            errno: Int32(truncatingIfNeeded: row.member(\.error).loadRelaxed()),
                            reason: reason.message, count: count, first: row.member(\.first).loadRelaxed(),
                            last: row.member(\.last).loadRelaxed()))
                }
            }
        }
        return all
    }
}

extension UnsafeMutablePointer<dmadev_failures> {
    /// Counts a failure. The count is written last: who sees it sees the times of a failure.
    fileprivate func addFailure(_ error: Int32, at now: UInt64) {
        if member(\.first).loadRelaxed() == 0 { member(\.first).storeRelaxed(now) }
        member(\.last).storeRelaxed(now)
        member(\.error).storeRelaxed(UInt64(UInt32(bitPattern: error)))
        member(\.count).atomic.pointee.wrappingAdd(1, ordering: .releasing)
    }
}
