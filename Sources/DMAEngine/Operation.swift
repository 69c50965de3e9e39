internal import CDMADev
internal import CLinux
internal import DMADev

/// One operation in progress: its descriptor and position.
///
/// An operation is executed in parts, so that other rings wait at most for one chunk. A plain copy is a list of one
/// entry.
struct Operation {
    /// The descriptor, fetched once.
    let descriptor: dmadev_descriptor
    /// Bytes moved.
    private(set) var moved: UInt64 = 0
    /// How the next bytes of a large copy are moved.
    private var way = CLINUX_WAY_UNKNOWN

    // copy_sg: the position of the next byte in the lists.
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
    /// - Returns: the status when the operation has ended, else `nil`.
    mutating func advance(
        entries: UnsafePointer<dmadev_sge>, maximumEntries: Int, spaces: AddressSpaces, budget: inout Int
    ) -> CompletionStatus? {
        switch Int32(kind) {
        case DMADEV_KIND_COPY: return advanceCopy(spaces, &budget)
        case DMADEV_KIND_FILL: return advanceFill(spaces.destination, &budget)
        case DMADEV_KIND_COPY_SG:
            let sources = UnsafeBufferPointer(start: entries, count: min(Int(descriptor.nb_src), maximumEntries))
            let destinations = UnsafeBufferPointer(
                start: entries + maximumEntries, count: min(Int(descriptor.nb_dst), maximumEntries))
            return advanceLists(sources, destinations, spaces, &budget)
        default: return .invalidOpcode
        }
    }

    /// The addresses of the next byte; `nil` at the end of a list. Those of a list that was changed meanwhile are as good
    /// as any.
    func next(entries: UnsafePointer<dmadev_sge>, maximumEntries: Int) -> (from: UInt64, to: UInt64)? {
        guard kind == UInt8(DMADEV_KIND_COPY_SG) else { return (descriptor.src &+ moved, descriptor.dst &+ moved) }
        let sources = UnsafeBufferPointer(start: entries, count: min(Int(descriptor.nb_src), maximumEntries))
        let destinations = UnsafeBufferPointer(
            start: entries + maximumEntries, count: min(Int(descriptor.nb_dst), maximumEntries))
        var (source, destination) = (source, destination)
        guard let from = Self.current(&source, in: sources), let to = Self.current(&destination, in: destinations)
        else { return nil }
        return (from.addr &+ UInt64(source.offset), to.addr &+ UInt64(destination.offset))
    }

    private mutating func advanceCopy(_ spaces: AddressSpaces, _ budget: inout Int) -> CompletionStatus? {
        let length = UInt64(descriptor.length)
        if moved == 0 {
            guard spaces.source.admits(descriptor.src, length) else { return .invalidSourceAddress }
            guard spaces.destination.admits(descriptor.dst, length) else { return .invalidDestinationAddress }
        }
        if let from = spaces.source.resolve(descriptor.src, length), from.byteCount == length,
            let to = spaces.destination.resolve(descriptor.dst, length), to.byteCount == length
        {
            return moveLinear(from: from.address, to: to.address, length, &budget)
        }
        while moved < length {
            guard budget > 0 else { return nil }
            if let failure = move(
                from: descriptor.src &+ moved, to: descriptor.dst &+ moved, length &- moved, spaces, &budget)
            {
                return failure
            }
        }
        return .successful
    }

    /// Moves the next part of an operation that is contiguous on both sides.
    private mutating func moveLinear(
        from source: UInt64, to destination: UInt64, _ length: UInt64, _ budget: inout Int
    ) -> CompletionStatus? {
        let part = min(length &- moved, UInt64(budget))
        // If the destination starts within the source, the last part is moved first: no part overwrites bytes that are
        // still to be read.
        let isBackward = destination &- source < length
        let result: CInt
        if isLarge, !isBackward, source &- destination >= length {
            if isBeyondCaches { way = CLINUX_WAY_STREAMED }
            result = clinux_guarded_large(
                destination &+ moved, source &+ moved, Int(part), Self.memoryTicks, &way)
        } else {
            let offset = isBackward ? length &- moved &- part : moved
            result = Self.move(to: destination &+ offset, from: source &+ offset, part)
        }
        guard result == CLINUX_GUARD_OK else { return Self.failure(result) }
        moved &+= part
        budget &-= Int(part)
        return moved == length ? .successful : nil
    }

    /// Copies of at least this size bypass the caches if those of the processor do not have the destination, unless the flag
    /// requests the last-level cache.
    ///
    /// Stores to four lines are timed to find that out, once per copy. Measured with Zen 3: copies of 512 KiB to 4 MiB take
    /// 23 to 43 % less time than through the caches if no cache has the destination, and 1 to 3 % more if this processor's
    /// have it.
    private static let largeLength: UInt32 = 512 << 10
    private static let memoryTicks = clinux_memory_ticks()

    /// Copies of at least this size bypass the caches without a measurement: those whose two sides are more than half of
    /// the last-level cache. Measured with a cache of 32 MiB, data in the caches: bypassing is slower by a third at 4 MiB,
    /// faster by a tenth at 8 MiB, and by three quarters from 16 MiB on.
    private static let streamedLength: UInt32 = {
        let lastLevel = clinux_last_level_cache()
        return UInt32(clamping: max((lastLevel == 0 ? 32 << 20 : lastLevel) / 4, 1 << 20))
    }()

    private var isLarge: Bool {
        descriptor.length >= Self.largeLength && descriptor.flags & UInt8(DMADEV_DESC_LLC) == 0
    }

    private var isBeyondCaches: Bool { descriptor.length >= Self.streamedLength }

    private mutating func advanceFill(_ destination: AddressTranslation, _ budget: inout Int) -> CompletionStatus? {
        let length = UInt64(descriptor.length)
        guard moved > 0 || destination.admits(descriptor.dst, length) else { return .invalidDestinationAddress }
        while moved < length {
            guard budget > 0 else { return nil }
            guard let target = destination.resolve(descriptor.dst &+ moved, length &- moved) else {
                return .invalidDestinationAddress
            }
            let part = min(target.byteCount, UInt64(budget))
            // A part may start in the middle of the pattern.
            let phase = moved % 8 * 8
            let pattern = phase == 0 ? descriptor.src : descriptor.src >> phase | descriptor.src << (64 - phase)
            let result = Self.move(to: target.address, from: pattern, part, isFill: true)
            guard result == CLINUX_GUARD_OK else { return Self.failure(result) }
            moved &+= part
            budget &-= Int(part)
        }
        return .successful
    }

    private mutating func advanceLists(
        _ sources: UnsafeBufferPointer<dmadev_sge>, _ destinations: UnsafeBufferPointer<dmadev_sge>,
        _ spaces: AddressSpaces, _ budget: inout Int
    ) -> CompletionStatus? {
        while true {
            guard let from = Self.current(&source, in: sources), let to = Self.current(&destination, in: destinations)
            else {
                // Both lists end together, unless they were changed after the check.
                let ended = source.entry >= sources.count && Self.current(&destination, in: destinations) == nil
                return ended ? .successful : .invalidLength
            }
            guard budget > 0 else { return nil }
            guard spaces.source.admits(from.addr, UInt64(from.length)) else { return .invalidSourceAddress }
            guard spaces.destination.admits(to.addr, UInt64(to.length)) else { return .invalidDestinationAddress }
            let before = moved
            let most = min(from.length &- source.offset, to.length &- destination.offset)
            if let failure = move(
                from: from.addr &+ UInt64(source.offset), to: to.addr &+ UInt64(destination.offset), UInt64(most),
                spaces, &budget)
            {
                return failure
            }
            source.offset &+= UInt32(truncatingIfNeeded: moved &- before)
            destination.offset &+= UInt32(truncatingIfNeeded: moved &- before)
        }
    }

    /// Copies the next part that is contiguous on both sides, within the budget.
    @inline(__always)
    private mutating func move(
        from source: UInt64, to destination: UInt64, _ most: UInt64, _ spaces: AddressSpaces, _ budget: inout Int
    ) -> CompletionStatus? {
        guard let from = spaces.source.resolve(source, most) else { return .invalidSourceAddress }
        guard let to = spaces.destination.resolve(destination, most) else { return .invalidDestinationAddress }
        let part = min(from.byteCount, to.byteCount, UInt64(budget))
        let result = Self.move(to: to.address, from: from.address, part)
        guard result == CLINUX_GUARD_OK else { return Self.failure(result) }
        moved &+= part
        budget &-= Int(part)
        return nil
    }

    /// The entry at the cursor, after skipping finished and empty entries.
    private static func current(_ cursor: inout Cursor, in list: UnsafeBufferPointer<dmadev_sge>) -> dmadev_sge? {
        while cursor.entry < list.count {
            // The list has entries, so it has an address.
            let entry = dmadev_fetch_sge(list.baseAddress.unsafelyUnwrapped + cursor.entry)
            if cursor.offset < entry.length { return entry }
            cursor.entry += 1
            cursor.offset = 0
        }
        return nil
    }

    private static func move(
        to destination: UInt64, from source: UInt64, _ byteCount: UInt64, isFill: Bool = false
    ) -> CInt {
        var move = clinux_move(dst: destination, src: source, bytes: byteCount, is_fill: isFill ? 1 : 0)
        return clinux_guarded_move(&move)
    }

    /// The status for the result of a guarded move that faulted.
    static func failure(_ result: CInt) -> CompletionStatus {
        result == CLINUX_GUARD_SOURCE ? .invalidSourceAddress : .invalidDestinationAddress
    }
}

/// The address spaces of the two sides of a ring's operations.
struct AddressSpaces {
    let source: AddressTranslation
    let destination: AddressTranslation
}
