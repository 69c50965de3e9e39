/// The user of an exporter's buffer, for example a device: see ``DMADevice/attach(_:allowing:)``.
///
/// The library calls these functions; the importer's owner maps and unmaps with ``BufferAttachment``.
///
/// **Who holds what.** Attachments keep the importer. From the return of ``take(_:of:_:)`` until the return of
/// ``release(_:of:for:within:)`` the importer may access the ranges, and before and after that it must not.
///
/// **Threads.** Calls about one attachment come one at a time, calls about different ones at the same time, on the threads
/// that call ``BufferAttachment`` and ``AttachmentTable``: a release for a revocation comes on the thread that revokes, at any
/// time. The library holds no lock. The functions must not call the attachment that they were called for.
public protocol Importer: AnyObject, Sendable {
    /// A short name for traces, telemetry and messages; not an identity.
    var name: String { get }

    /// The number of the device that imports; -1: it is none. -1 by default.
    var deviceID: Int16 { get }

    /// Whether it releases a mapping when the exporter revokes it. A static importer cannot, and is refused with
    /// `EOPNOTSUPP`. True by default.
    var isDynamic: Bool { get }

    /// Decides about one interconnect of the exporter. Called during an attach, in the exporter's order, until one is
    /// accepted.
    ///
    /// - Parameters:
    ///   - interconnect: compare the object, or cast it to a class that is known.
    ///   - exporter: of the attachment that is being made.
    /// - Throws: an error with the errno `EOPNOTSUPP` to go on with the exporter's next interconnect: its message is
    ///   counted as the reason. Any other error ends the attach.
    func match(_ interconnect: any Interconnect, of exporter: any Exporter) throws(DMAError)

    /// Begins to use a mapping.
    ///
    /// - Parameters:
    ///   - ranges: the buffer's pieces in order, all of the type of the attachment's interconnect, and checked.
    ///   - attachment: one that is not mapped.
    ///   - direction: the accesses that the importer may make.
    /// - Returns: the addresses that the importer's owner uses, in the order of the buffer.
    /// - Throws: any error: the exporter is told to unmap, and it is the error of ``BufferAttachment/map(_:)``. The importer has
    ///   then undone what it began.
    func take(_ ranges: [any InterconnectRange], of attachment: BufferAttachment, _ direction: MappingDirection)
        throws(DMAError) -> [ImportedRange]

    /// Ends the use of a mapping: when it returns, the importer accesses no byte of it, and later uses of its addresses
    /// fail.
    ///
    /// - Parameters:
    ///   - ranges: exactly those that ``take(_:of:_:)`` returned.
    ///   - attachment: the one that they were for.
    ///   - reason: who ends it.
    ///   - timeout: the longest time to wait; `nil`: as long as it takes.
    /// - Throws: `ETIMEDOUT` after that time, or any other error: the mapping remains, and the call comes again.
    func release(
        _ ranges: [ImportedRange], of attachment: BufferAttachment, for reason: ReleaseReason, within timeout: Duration?
    ) throws(DMAError)
}

extension Importer {
    /// No device.
    public var deviceID: Int16 { -1 }

    /// Always true.
    public var isDynamic: Bool { true }
}

/// The accesses that an importer may make to a mapping.
public enum MappingDirection: UInt8, Sendable, Hashable, CaseIterable {
    /// The importer reads and writes. C: `DMA_BIDIRECTIONAL`
    case bidirectional = 0
    /// The importer reads. C: `DMA_TO_DEVICE`
    case toDevice = 1
    /// The importer writes. C: `DMA_FROM_DEVICE`
    case fromDevice = 2

    /// The name in telemetry.
    public var name: String {
        switch self {
        case .bidirectional: "bidirectional"
        case .toDevice: "to_device"
        case .fromDevice: "from_device"
        }
    }

    /// Whether the importer may read.
    public var allowsReading: Bool { self != .fromDevice }
    /// Whether the importer may write.
    public var allowsWriting: Bool { self != .toDevice }
}

/// Who ends a mapping.
public enum ReleaseReason: Sendable, Hashable {
    /// The importer's side, with ``BufferAttachment/unmap()`` or ``BufferAttachment/detach()``.
    case unmap
    /// The exporter's side, with ``BufferAttachment/revoke(within:)``.
    case revoke
}

/// A piece of a mapped buffer with the importer's address.
public struct ImportedRange: Sendable, Hashable {
    /// The first address: for a device, what its operations use. It is an IOVA, never equal to a virtual address of a
    /// process, and not used again for another mapping.
    public var address: UInt64
    /// Length in bytes.
    public var byteCount: UInt64
    /// The handler to use with the address; 0: none.
    public var handler: DomainHandler

    /// Values are not checked.
    public init(address: UInt64, byteCount: UInt64, handler: DomainHandler = 0) {
        self.address = address
        self.byteCount = byteCount
        self.handler = handler
    }
}
