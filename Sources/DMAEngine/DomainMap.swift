internal import CDMATrace
internal import DMADev
internal import LinuxSystem

/// The windows of other domains that one device can access, each under its owner's handler.
///
/// Control threads change it, one at a time; the engine looks up without a lock, between any two chunks. After
/// ``replace(_:)`` and a quiescent point of the engine, it no longer accesses removed windows.
public final class DomainMap: @unchecked Sendable {
    // `published` is atomic; a published table never changes, and is freed only after the engine has passed a quiescent
    // point. `known` belongs to the control threads, which take turns.
    /// A part of another domain's memory.
    public struct Window: Sendable {
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
        /// How it is accessed; `nil`: at any time. The owner of the window keeps it alive.
        public var synchronized: Unmanaged<SynchronizedMemory>?

        /// Values are not checked.
        public init(
            handler: UInt16, isReadable: Bool, isWritable: Bool, iova: UInt64, byteCount: UInt64, address: UInt64,
            synchronized: Unmanaged<SynchronizedMemory>? = nil
        ) {
            self.synchronized = synchronized
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

    /// The window of a member that contains an IOVA; `nil` without such a window or right, or while it must not be
    /// accessed. Valid until the engine's next quiescent point.
    func range(
        at iova: UInt64, of handler: UInt16, isWrite: Bool, _ opened: Synchronizer.Opened = Synchronizer.Opened()
    ) -> ContiguousRange? {
        guard let window = window(at: iova, of: handler, isWrite: isWrite) else { return nil }
        if let memory = window.synchronized, !opened.contains(memory) { return nil }
        return ContiguousRange(start: window.iova, byteCount: window.byteCount, address: window.address)
    }

    func synchronizedMemory(
        at iova: UInt64, of handler: UInt16, isWrite: Bool
    ) -> Unmanaged<SynchronizedMemory>? {
        window(at: iova, of: handler, isWrite: isWrite)?.synchronized
    }

    /// The window of a member that contains an IOVA and grants the right.
    @inline(__always)
    private func window(at iova: UInt64, of handler: UInt16, isWrite: Bool) -> Window? {
        withTable { table in
            for part in table.parts {
                let windows = part.windows
                // The last window of the member that starts at or before it.
                var (low, high) = (0, windows.count)
                while low < high {
                    let middle = (low + high) / 2
                    if (windows[middle].handler, windows[middle].iova) <= (handler, iova) {
                        low = middle + 1
                    } else {
                        high = middle
                    }
                }
                guard low > 0 else { continue }
                let window = windows[low - 1]
                // One of another member can start behind the address.
                guard window.handler == handler, isWrite ? window.isWritable : window.isReadable else { continue }
                guard iova - window.iova < window.byteCount else { continue }
                return window
            }
            return nil
        }
    }
}
