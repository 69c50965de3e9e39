internal import CDMADev
internal import LinuxSystem

/// What one device reaches in the domains of others: windows, each under the handler of the member that owns it.
///
/// Changes are for control threads, one at a time; the engine looks up without a lock, between any two chunks. When
/// ``publish(_:)`` has returned, the engine touches nothing any more that it left out.
public final class DomainMap: @unchecked Sendable {
    // `published` is atomic; a table that was published never changes, and goes only after the engine has passed a
    // quiescent point.
    /// A piece of another domain's memory.
    public struct Window: Sendable, Equatable {
        /// The member that owns it.
        public var handler: UInt16
        /// Whether it may be a source, or a destination.
        public var isReadable, isWritable: Bool
        /// Its first address in operations.
        public var iova: UInt64
        /// Bytes.
        public var byteCount: UInt64
        /// Where it is in this process.
        public var address: UInt64

        /// A window.
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

    /// All that is reachable at a time.
    public struct Contents: Sendable, Equatable {
        /// By IOVA.
        public var windows: [Window] = []
        /// The device's own handlers: they name its own memory.
        public var own: Set<UInt16> = []
        /// Handlers of members that have gone since the device could name them.
        public var revoked: Set<UInt16> = []

        /// Nothing.
        public init() {}
    }

    final class Table {
        let windows: [Window]
        let own: Set<UInt16>
        let revoked: Set<UInt16>

        init(_ contents: Contents) {
            windows = contents.windows.sorted { $0.iova < $1.iova }
            own = contents.own
            revoked = contents.revoked
        }
    }

    private let engine: Engine
    private let contents = Locked(Contents())
    private let published: UnsafeMutablePointer<UInt64>

    /// An empty map for a device of one engine.
    public init(engine: Engine) {
        self.engine = engine
        published = .allocate(capacity: 1)
        published.initialize(to: Self.retained(Table(Contents())))
    }

    deinit {
        Self.released(published.pointee)
        published.deallocate()
    }

    /// Replaces all that is reachable; returns when the engine works with the new contents only.
    public func publish(_ new: Contents) {
        contents.withLock { contents in
            guard contents != new else { return }
            contents = new
            let old = published.loadRelaxed()
            published.storeReleasing(Self.retained(Table(new)))
            engine.passQuiescentPoint()
            Self.released(old)
        }
    }

    private static func retained(_ table: Table) -> UInt64 {
        UInt64(UInt(bitPattern: Unmanaged.passRetained(table).toOpaque()))
    }

    private static func released(_ word: UInt64) {
        UnsafeRawPointer(bitPattern: UInt(word)).map { Unmanaged<Table>.fromOpaque($0).release() }
    }

    private func withTable<Result>(_ body: (Table) -> Result) -> Result {
        // It always holds a table: `init` puts the first there, and the quiescent point keeps this one until the round
        // of the engine ends.
        let pointer = UnsafeRawPointer(bitPattern: UInt(published.loadAcquiring())).unsafelyUnwrapped
        return Unmanaged<Table>.fromOpaque(pointer)._withUnsafeGuaranteedRef(body)
    }

    // MARK: For the engine's thread

    func isOwn(_ handler: UInt16) -> Bool { withTable { $0.own.contains(handler) } }

    func isRevoked(_ handler: UInt16) -> Bool { withTable { $0.revoked.contains(handler) } }

    /// The address of an IOVA in a member's windows and how many bytes go on from there; `nil` where there is none, or not
    /// with this right.
    func resolve(_ iova: UInt64, of handler: UInt16, isWrite: Bool) -> (address: UInt64, byteCount: UInt64)? {
        withTable { table in
            // The last window that begins at or before it.
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

/// The domains that a ring's operations cross: the map, and what holds for those that name no handler themselves.
struct RingDomains {
    let map: Unmanaged<DomainMap>
    let source: UInt16
    let destination: UInt16

    /// Where the two sides of an operation lie: what it names itself goes before what the ring says.
    func spaces(for descriptor: dmadev_descriptor, _ local: AddressSpaces) -> AddressSpaces {
        AddressSpaces(
            source: space(sourceHandler(descriptor), isWrite: false, local.source),
            destination: space(destinationHandler(descriptor), isWrite: true, local.destination))
    }

    private func space(_ handler: UInt16, isWrite: Bool, _ local: AddressTranslation) -> AddressTranslation {
        handler == 0 || map._withUnsafeGuaranteedRef({ $0.isOwn(handler) })
            ? local : AddressTranslation(map, handler, isWrite: isWrite)
    }

    private func sourceHandler(_ descriptor: dmadev_descriptor) -> UInt16 {
        descriptor.flags & UInt8(DMADEV_DESC_SRC_HANDLER) != 0 ? descriptor.src_handler : source
    }

    private func destinationHandler(_ descriptor: dmadev_descriptor) -> UInt16 {
        descriptor.flags & UInt8(DMADEV_DESC_DST_HANDLER) != 0 ? descriptor.dst_handler : destination
    }

    /// Whether the member whose memory could not be reached has gone.
    func isRevoked(_ descriptor: dmadev_descriptor, _ status: Status) -> Bool {
        let handler: UInt16 =
            switch status {
            case .invalidSourceAddress: sourceHandler(descriptor)
            case .invalidDestinationAddress: destinationHandler(descriptor)
            default: 0
            }
        return handler != 0 && map._withUnsafeGuaranteedRef { $0.isRevoked(handler) }
    }
}
