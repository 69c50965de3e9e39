internal import CDMADev
internal import CDMATrace
internal import DMADev
internal import LinuxSystem

/// The members of one access group and their windows, as the engine uses them. The maps of all members share one value:
/// a change of the group costs its members one table in all and one pointer each.
public final class DomainGroup: @unchecked Sendable {
    // The memory is written in `init` only.
    /// One member; the counter outlives each table that names it.
    public struct Member: Sendable {
        /// The member's handler.
        public var handler: UInt16
        /// Counts the operations that reach its windows.
        public var traffic: TrafficCounter

        /// Values are not checked.
        public init(handler: UInt16, traffic: TrafficCounter) {
            self.handler = handler
            self.traffic = traffic
        }
    }

    struct Place {
        let handler: UInt16
        let words: UnsafeMutablePointer<UInt64>
    }

    /// The number of the group, for traces.
    let number: Int16
    /// By IOVA.
    let windows: UnsafeMutableBufferPointer<DomainMap.Window>
    /// By handler.
    let places: UnsafeMutableBufferPointer<Place>
    /// The members as bits, in the words that have some; see ``HandlerBits``.
    fileprivate let bits: [(word: Int, bits: UInt64)]
    /// Keeps the counters allocated.
    private let members: [Member]

    /// Makes the table of a group.
    ///
    /// - Parameters:
    ///   - number: of the group, for traces.
    ///   - members: all of them, each with the counter that it has had before.
    ///   - windows: of all members; they do not overlap.
    public init(number: Int16, members: [Member], windows: [DomainMap.Window]) {
        self.number = number
        self.members = members.sorted { $0.handler < $1.handler }
        places = .allocate(capacity: members.count)
        _ = places.initialize(from: self.members.map { Place(handler: $0.handler, words: $0.traffic.words) })
        self.windows = .allocate(capacity: windows.count)
        _ = self.windows.initialize(from: windows.sorted { $0.iova < $1.iova })
        var bits: [(word: Int, bits: UInt64)] = []
        for member in self.members {
            let (word, bit) = HandlerBits.place(of: member.handler)
            if bits.last?.word != word { bits.append((word, 0)) }
            bits[bits.count - 1].bits |= bit
        }
        self.bits = bits
    }

    deinit {
        windows.deallocate()
        places.deallocate()
    }

    /// The size of the table.
    public var byteCount: Int {
        windows.count * MemoryLayout<DomainMap.Window>.stride + places.count * MemoryLayout<Place>.stride
    }
}

/// The windows of other domains that one device can access, each under its owner's handler.
///
/// Control threads change it, one at a time; the engine looks up without a lock, between any two chunks. After
/// ``replace(_:)`` and a quiescent point of the engine, it no longer accesses removed windows.
public final class DomainMap: @unchecked Sendable {
    // `published` is atomic; a published table never changes, and is freed only after the engine has passed a quiescent
    // point. `known` belongs to the control threads, which take turns.
    /// A part of another domain's memory.
    public struct Window: Sendable, Equatable {
        /// The member that owns it.
        public var handler: UInt16
        /// Whether it may be a source, or a destination.
        public var isReadable, isWritable: Bool
        /// Its first address in operations.
        public var iova: UInt64
        /// Bytes.
        public var byteCount: UInt64
        /// Its address in this process.
        public var address: UInt64

        /// Values are not checked.
        public init(
            handler: UInt16, isReadable: Bool, isWritable: Bool, iova: UInt64, byteCount: UInt64, address: UInt64
        ) {
            self.handler = handler
            self.isReadable = isReadable
            self.isWritable = isWritable
            self.iova = iova
            self.byteCount = byteCount
            self.address = address
        }
    }

    /// A group that the device is in.
    public struct Membership: Sendable {
        /// The members and windows of the group.
        public var group: DomainGroup
        /// The device's own handler in that group: it selects the device's own memory.
        public var own: UInt16

        /// Values are not checked.
        public init(group: DomainGroup, own: UInt16) {
            self.group = group
            self.own = own
        }
    }

    /// Memory that the engine may still use. Release it when the engine has passed a quiescent point.
    public final class Retired: Sendable {
        private let table: Table

        fileprivate init(_ table: Table) {
            self.table = table
        }
    }

    fileprivate final class Table: @unchecked Sendable {
        // Written in `init` only. Pointers, so that the engine counts no references.
        struct Part {
            let own: UInt16
            let number: Int16
            let windows: UnsafeMutableBufferPointer<Window>
            let places: UnsafeMutableBufferPointer<DomainGroup.Place>

            /// The counters of a member; `nil` when it is not in this group.
            func place(of handler: UInt16) -> UnsafeMutablePointer<UInt64>? {
                var (low, high) = (0, places.count)
                while low < high {
                    let middle = (low + high) / 2
                    if places[middle].handler < handler { low = middle + 1 } else { high = middle }
                }
                return low < places.count && places[low].handler == handler ? places[low].words : nil
            }
        }

        let parts: UnsafeMutableBufferPointer<Part>
        /// All handlers that the device could ever use; `nil`: none.
        let known: HandlerBits?
        private let memberships: [Membership]

        init(_ memberships: [Membership], known: HandlerBits?) {
            self.memberships = memberships
            self.known = known
            parts = .allocate(capacity: memberships.count)
            _ = parts.initialize(
                from: memberships.map {
                    Part(own: $0.own, number: $0.group.number, windows: $0.group.windows, places: $0.group.places)
                })
        }

        deinit {
            parts.deallocate()
        }

        /// The group of a member, and its counters there.
        func member(_ handler: UInt16) -> (part: Part, words: UnsafeMutablePointer<UInt64>)? {
            for part in parts {
                if let words = part.place(of: handler) { return (part, words) }
            }
            return nil
        }
    }

    /// The engine of the device.
    public let engine: Engine
    private let published: UnsafeMutablePointer<UInt64>
    /// From the first group on; control threads only add to it, and only they use this reference.
    private var known: HandlerBits?
    /// The number of operations refused for missing access; the engine's thread writes it.
    private let refused: UnsafeMutablePointer<UInt64>

    /// An empty map for a device of one engine.
    public init(engine: Engine) {
        self.engine = engine
        published = .allocate(capacity: 1)
        published.initialize(to: Self.retained(Table([], known: nil)))
        refused = .allocateOnOwnCacheLines(capacity: 1)
        refused.initialize(to: 0)
    }

    deinit {
        Self.unretained(published.pointee)?.release()
        published.deallocate()
        refused.deallocate()
    }

    /// Replaces the groups; the engine's next lookup uses the new ones.
    ///
    /// - Returns: the earlier ones, which operations may still use up to the engine's next quiescent point.
    public func replace(_ memberships: [Membership]) -> Retired {
        if known == nil, !memberships.isEmpty { known = HandlerBits() }
        for membership in memberships { known?.insert(membership.group.bits) }
        let old = published.loadRelaxed()
        published.storeReleasing(Self.retained(Table(memberships, known: known)))
        // The word held a table: `init` stores the first.
        return Retired(Self.unretained(old).unsafelyUnwrapped.takeRetainedValue())
    }

    /// Replaces the groups; returns when the engine uses only the new ones.
    public func publish(_ memberships: [Membership]) {
        let old = replace(memberships)
        engine.passQuiescentPoint()
        withExtendedLifetime(old) {}
    }

    /// The size of a device's part of a change with that many groups.
    public static func byteCount(groupCount: Int) -> Int { groupCount * MemoryLayout<Table.Part>.stride }

    /// The number of the device's operations that were refused in another domain: no window there, missing right, or
    /// memory no longer present.
    public var refusedAccesses: UInt64 { refused.loadRelaxed() }

    private static func retained(_ table: Table) -> UInt64 {
        UInt64(UInt(bitPattern: Unmanaged.passRetained(table).toOpaque()))
    }

    private static func unretained(_ word: UInt64) -> Unmanaged<Table>? {
        UnsafeRawPointer(bitPattern: UInt(word)).map { Unmanaged<Table>.fromOpaque($0) }
    }

    private func withTable<Result>(_ body: (Table) -> Result) -> Result {
        // It always holds a table: `init` stores the first, and the quiescent point keeps this one until the engine's
        // round ends.
        let pointer = UnsafeRawPointer(bitPattern: UInt(published.loadAcquiring())).unsafelyUnwrapped
        return Unmanaged<Table>.fromOpaque(pointer)._withUnsafeGuaranteedRef(body)
    }

    // MARK: For the engine's thread

    /// Records successful operations between these members; 0: the device itself.
    func recordTraffic(_ handlers: RingDomains.Handlers, _ operationCount: UInt64, _ byteCount: UInt64) {
        withTable { table in
            if handlers.source != 0, let found = table.member(handlers.source), found.part.own != handlers.source {
                TrafficCounter.recordRead(found.words, operationCount, byteCount)
            }
            if handlers.destination != 0, let found = table.member(handlers.destination),
                found.part.own != handlers.destination
            {
                TrafficCounter.recordWritten(found.words, operationCount, byteCount)
            }
        }
    }

    func recordRefusal(_ handler: UInt16, _ iova: UInt64, _ length: UInt64, _ status: CompletionStatus) {
        refused.add(1)
        guard dmatrace_dmadev_group_access_refused_enabled() else { return }
        let (number, own): (Int16, UInt16) = withTable { table in
            table.member(handler).map { ($0.part.number, $0.part.own) } ?? (-1, 0)
        }
        dmatrace_dmadev_group_access_refused(number, handler, own, iova, length, status.rawValue)
    }

    func isOwn(_ handler: UInt16) -> Bool { withTable { $0.parts.contains { $0.own == handler } } }

    /// Whether the device could use the handler once, and its member has left.
    func isRevoked(_ handler: UInt16) -> Bool {
        withTable { $0.known?.contains(handler) == true && $0.member(handler) == nil }
    }

    /// The virtual address of an IOVA in a member's windows and the number of contiguous bytes; `nil` without such a
    /// window or right.
    func resolve(_ iova: UInt64, of handler: UInt16, isWrite: Bool) -> (address: UInt64, byteCount: UInt64)? {
        withTable { table in
            for part in table.parts {
                let windows = part.windows
                // The last window that starts at or before it.
                var (low, high) = (0, windows.count)
                while low < high {
                    let middle = (low + high) / 2
                    if windows[middle].iova <= iova { low = middle + 1 } else { high = middle }
                }
                guard low > 0 else { continue }
                let window = windows[low - 1]
                let offset = iova - window.iova
                guard window.handler == handler, isWrite ? window.isWritable : window.isReadable,
                    offset < window.byteCount
                else { continue }
                return (window.address &+ offset, window.byteCount - offset)
            }
            return nil
        }
    }
}

/// A set of handlers that one thread adds to and another one reads.
fileprivate final class HandlerBits: @unchecked Sendable {
    // Constant; the words behind it are atomic.
    private let words: UnsafeMutablePointer<UInt64>
    private static let wordCount = (Int(UInt16.max) + 1) / 64

    init() {
        words = .allocate(capacity: Self.wordCount)
        words.initialize(repeating: 0, count: Self.wordCount)
    }

    deinit {
        words.deallocate()
    }

    static func place(of handler: UInt16) -> (word: Int, bit: UInt64) {
        (Int(handler) / 64, 1 << (UInt64(handler) % 64))
    }

    func insert(_ bits: [(word: Int, bits: UInt64)]) {
        for (word, more) in bits {
            let old = (words + word).loadRelaxed()
            if old | more != old { (words + word).storeRelaxed(old | more) }
        }
    }

    func contains(_ handler: UInt16) -> Bool {
        let (word, bit) = Self.place(of: handler)
        return (words + word).loadRelaxed() & bit != 0
    }
}

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
    func spaces(for handlers: Handlers, _ local: AddressSpaces) -> AddressSpaces {
        AddressSpaces(
            source: space(handlers.source, isWrite: false, local.source),
            destination: space(handlers.destination, isWrite: true, local.destination))
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
