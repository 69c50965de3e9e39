internal import CDMADev
internal import CLinux

/// How an operation ended; the codes of `enum rte_dma_status_code` that an engine produces.
struct Status: RawRepresentable, Equatable {
    let rawValue: UInt16

    static let successful = Status(rawValue: UInt16(DMADEV_STATUS_SUCCESSFUL))
    static let userAbort = Status(rawValue: UInt16(DMADEV_STATUS_USER_ABORT))
    static let notAttempted = Status(rawValue: UInt16(DMADEV_STATUS_NOT_ATTEMPTED))
    static let invalidSourceAddress = Status(rawValue: UInt16(DMADEV_STATUS_INVALID_SRC_ADDR))
    static let invalidDestinationAddress = Status(rawValue: UInt16(DMADEV_STATUS_INVALID_DST_ADDR))
    static let invalidLength = Status(rawValue: UInt16(DMADEV_STATUS_INVALID_LENGTH))
    static let invalidOpcode = Status(rawValue: UInt16(DMADEV_STATUS_INVALID_OPCODE))
}

/// One operation on its way: what was asked, and how far it is.
///
/// An operation is executed in parts, so that an engine never stays away from its other rings for longer than a chunk
/// takes. A plain copy is a list of one entry.
struct Operation {
    /// The descriptor as it was fetched, once.
    let descriptor: dmadev_descriptor
    /// Bytes moved.
    private(set) var moved: UInt64 = 0

    // copy_sg: where in the lists the next byte is.
    private var source = Cursor()
    private var destination = Cursor()

    private struct Cursor {
        var entry = 0
        var offset: UInt32 = 0
    }

    init(_ descriptor: dmadev_descriptor) {
        self.descriptor = descriptor
    }

    var kind: UInt8 { descriptor.kind }

    /// Moves up to `budget` bytes.
    ///
    /// - Parameter entries: the slot's region of the SG area: sources, then destinations at `maximumEntries`.
    /// - Returns: the status when the operation is over, else `nil`.
    mutating func advance(entries: UnsafePointer<dmadev_sge>, maximumEntries: Int, budget: inout Int) -> Status? {
        switch Int32(kind) {
        case DMADEV_KIND_COPY: advanceCopy(&budget)
        case DMADEV_KIND_FILL: advanceFill(&budget)
        case DMADEV_KIND_COPY_SG:
            advanceLists(
                UnsafeBufferPointer(start: entries, count: min(Int(descriptor.nb_src), maximumEntries)),
                UnsafeBufferPointer(
                    start: entries + maximumEntries, count: min(Int(descriptor.nb_dst), maximumEntries)),
                &budget)
        default: .invalidOpcode
        }
    }

    private mutating func advanceCopy(_ budget: inout Int) -> Status? {
        let length = UInt64(descriptor.length)
        if moved == 0, let refusal = Self.refusal(from: descriptor.src, to: descriptor.dst, bytes: length) {
            return refusal
        }
        let part = min(length &- moved, UInt64(budget))
        // Where the destination begins within the source, the last part goes first: no part overwrites what another
        // one has yet to read.
        let isBackward = descriptor.dst &- descriptor.src < length
        let offset = isBackward ? length &- moved &- part : moved
        let result = clinux_guarded_copy(descriptor.dst &+ offset, descriptor.src &+ offset, Int(part))
        guard result == CLINUX_GUARD_OK else { return Self.failure(result) }
        moved &+= part
        budget &-= Int(part)
        return moved == length ? .successful : nil
    }

    private mutating func advanceFill(_ budget: inout Int) -> Status? {
        let length = UInt64(descriptor.length)
        guard AddressRange.isUsable(descriptor.dst, length) else { return .invalidDestinationAddress }
        // A part is a multiple of the pattern, so that the next one begins with the pattern's first byte.
        let part = min(length &- moved, UInt64(budget + 7) & ~7)
        let result = clinux_guarded_fill(descriptor.dst &+ moved, descriptor.src, Int(part))
        guard result == CLINUX_GUARD_OK else { return Self.failure(result) }
        moved &+= part
        budget &-= Int(part)
        return moved == length ? .successful : nil
    }

    private mutating func advanceLists(
        _ sources: UnsafeBufferPointer<dmadev_sge>, _ destinations: UnsafeBufferPointer<dmadev_sge>,
        _ budget: inout Int
    ) -> Status? {
        while true {
            guard let from = Self.current(&source, in: sources), let to = Self.current(&destination, in: destinations)
            else {
                // Both lists end together, or somebody changed them after they were checked.
                let ended = source.entry >= sources.count && Self.current(&destination, in: destinations) == nil
                return ended ? .successful : .invalidLength
            }
            guard budget > 0 else { return nil }
            let part = min(from.length &- source.offset, to.length &- destination.offset, UInt32(clamping: budget))
            let (address, target) = (from.addr &+ UInt64(source.offset), to.addr &+ UInt64(destination.offset))
            guard AddressRange.isUsable(from.addr, UInt64(source.offset) + UInt64(part)) else {
                return .invalidSourceAddress
            }
            guard AddressRange.isUsable(to.addr, UInt64(destination.offset) + UInt64(part)) else {
                return .invalidDestinationAddress
            }
            let result = clinux_guarded_copy(target, address, Int(part))
            guard result == CLINUX_GUARD_OK else { return Self.failure(result) }
            source.offset &+= part
            destination.offset &+= part
            moved &+= UInt64(part)
            budget &-= Int(part)
        }
    }

    /// The entry that the cursor stands in, after it has stepped over what is used up or empty.
    private static func current(_ cursor: inout Cursor, in list: UnsafeBufferPointer<dmadev_sge>) -> dmadev_sge? {
        while cursor.entry < list.count {
            let entry = list[cursor.entry]
            if cursor.offset < entry.length { return entry }
            cursor.entry += 1
            cursor.offset = 0
        }
        return nil
    }

    /// The status of an operation whose addresses no process can have.
    private static func refusal(from source: UInt64, to destination: UInt64, bytes: UInt64) -> Status? {
        guard AddressRange.isUsable(source, bytes) else { return .invalidSourceAddress }
        guard AddressRange.isUsable(destination, bytes) else { return .invalidDestinationAddress }
        return nil
    }

    /// The status of an operation that faulted.
    private static func failure(_ result: CInt) -> Status {
        result == CLINUX_GUARD_SOURCE ? .invalidSourceAddress : .invalidDestinationAddress
    }
}

/// Which addresses a process can have at all.
enum AddressRange {
    /// Whether a range does not wrap and lies below the kernel's half: what lies above is refused before it is touched,
    /// because the processor does not say which operand of a copy was not canonical.
    static func isUsable(_ address: UInt64, _ length: UInt64) -> Bool {
        let (end, overflow) = address.addingReportingOverflow(length)
        return !overflow && end <= userEnd
    }

    /// The end of user addresses with five-level page tables, the most a process can have on x86-64 and Arm.
    private static let userEnd: UInt64 = 1 << 56
}
