internal import CDMADev
internal import CDMATrace
internal import DMADev
internal import LinuxSystem

/// The windows of other domains that one device can access, each under its owner's handler.
///
/// Control threads change it, one at a time; the engine looks up without a lock, between any two chunks. When
/// ``publish(_:)`` has returned, the engine no longer accesses removed windows.
public final class DomainMap: @unchecked Sendable {
    // `published` is atomic; a published table never changes, and is freed only after the engine has passed a quiescent
    // point.
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

    /// The group of a handler.
    public struct Membership: Sendable, Equatable {
        /// The group, for traces.
        public var group: Int16
        /// The device's own handler in that group, for traces.
        public var own: UInt16

        /// Values are not checked.
        public init(group: Int16, own: UInt16) {
            self.group = group
            self.own = own
        }
    }

    /// All windows and members at one time.
    public struct Contents: Sendable, Equatable {
        /// By IOVA.
        public var windows: [Window] = []
        /// The groups of the usable members, by handler, and the device's own handler in each.
        public var memberships: [UInt16: Membership] = [:]
        /// The device's own handlers: they select its own memory.
        public var own: Set<UInt16> = []
        /// Handlers of members that left after the device could use them.
        public var revoked: Set<UInt16> = []

        /// Empty.
        public init() {}
    }

    final class Table {
        let windows: [Window]
        let memberships: [UInt16: Membership]
        let own: [UInt16]
        let revoked: Set<UInt16>
        /// The engine's counters, by handler.
        let places: [(handler: UInt16, words: UnsafeMutablePointer<UInt64>)]
        /// Keeps the counters allocated.
        private let traffic: [UInt16: TrafficCounter]

        init(_ contents: Contents, _ traffic: [UInt16: TrafficCounter]) {
            windows = contents.windows.sorted { $0.iova < $1.iova }
            memberships = contents.memberships
            own = Array(contents.own)
            revoked = contents.revoked
            self.traffic = traffic
            places = traffic.map { ($0, $1.words) }.sorted { $0.handler < $1.handler }
        }

        /// Counters for reads from and writes to a member's windows.
        func place(of handler: UInt16) -> UnsafeMutablePointer<UInt64>? {
            var (low, high) = (0, places.count)
            while low < high {
                let middle = (low + high) / 2
                if places[middle].handler < handler { low = middle + 1 } else { high = middle }
            }
            return low < places.count && places[low].handler == handler ? places[low].words : nil
        }
    }

    private struct State {
        var contents = Contents()
        var traffic: [UInt16: TrafficCounter] = [:]
    }

    private let engine: Engine
    private let state = Locked(State())
    private let published: UnsafeMutablePointer<UInt64>
    /// The number of operations refused for missing access; the engine's thread writes it.
    private let refused: UnsafeMutablePointer<UInt64>

    /// An empty map for a device of one engine.
    public init(engine: Engine) {
        self.engine = engine
        published = .allocate(capacity: 1)
        published.initialize(to: Self.retained(Table(Contents(), [:])))
        refused = .allocateOnOwnCacheLines(capacity: 1)
        refused.initialize(to: 0)
    }

    deinit {
        Self.released(published.pointee)
        published.deallocate()
        refused.deallocate()
    }

    /// Replaces the contents; returns when the engine uses only the new ones.
    ///
    /// - Returns: the final traffic of the members that it revokes.
    @discardableResult
    public func publish(_ new: Contents) -> [UInt16: DomainTraffic] {
        state.withLock { state in
            guard state.contents != new else { return [:] }
            state.contents = new
            for window in new.windows where state.traffic[window.handler] == nil {
                state.traffic[window.handler] = TrafficCounter()
            }
            let dropped = state.traffic.filter { new.revoked.contains($0.key) }
            for handler in dropped.keys { state.traffic[handler] = nil }
            let old = published.loadRelaxed()
            published.storeReleasing(Self.retained(Table(new, state.traffic)))
            engine.passQuiescentPoint()
            Self.released(old)
            return dropped.mapValues(\.reading)
        }
    }

    /// The traffic of the device with the windows of each current member.
    public var traffic: [UInt16: DomainTraffic] {
        state.withLock { $0.traffic.mapValues(\.reading) }
    }

    /// The number of the device's operations that were refused in another domain: no window there, missing right, or
    /// memory no longer present.
    public var refusedAccesses: UInt64 { refused.loadRelaxed() }

    private static func retained(_ table: Table) -> UInt64 {
        UInt64(UInt(bitPattern: Unmanaged.passRetained(table).toOpaque()))
    }

    private static func released(_ word: UInt64) {
        UnsafeRawPointer(bitPattern: UInt(word)).map { Unmanaged<Table>.fromOpaque($0).release() }
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
            if handlers.source != 0, let words = table.place(of: handlers.source) {
                TrafficCounter.recordRead(words, operationCount, byteCount)
            }
            if handlers.destination != 0, let words = table.place(of: handlers.destination) {
                TrafficCounter.recordWritten(words, operationCount, byteCount)
            }
        }
    }

    func recordRefusal(_ handler: UInt16, _ iova: UInt64, _ length: UInt64, _ status: CompletionStatus) {
        refused.add(1)
        guard dmatrace_dmadev_group_access_refused_enabled() else { return }
        let membership = withTable { $0.memberships[handler] } ?? Membership(group: -1, own: 0)
        dmatrace_dmadev_group_access_refused(
            membership.group, handler, membership.own, iova, length, status.rawValue)
    }

    func isOwn(_ handler: UInt16) -> Bool { withTable { $0.own.contains(handler) } }

    func isRevoked(_ handler: UInt16) -> Bool { withTable { $0.revoked.contains(handler) } }

    /// The virtual address of an IOVA in a member's windows and the number of contiguous bytes; `nil` without such a
    /// window or right.
    func resolve(_ iova: UInt64, of handler: UInt16, isWrite: Bool) -> (address: UInt64, byteCount: UInt64)? {
        withTable { table in
            // The last window that starts at or before it.
            var (low, high) = (0, table.windows.count)
            while low < high {
                let middle = (low + high) / 2
                if table.windows[middle].iova <= iova { low = middle + 1 } else { high = middle }
            }
            guard low > 0 else { return nil }
            let window = table.windows[low - 1]
            let offset = iova - window.iova
            guard window.handler == handler, isWrite ? window.isWritable : window.isReadable, offset < window.byteCount
            else { return nil }
            return (window.address &+ offset, window.byteCount - offset)
        }
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
