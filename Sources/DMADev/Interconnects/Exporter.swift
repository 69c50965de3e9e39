/// The owner of a buffer that importers may use: memory of this process, or of a device.
///
/// The library calls these functions; an owner that wants to give up its buffer calls ``BufferAttachment/revoke(within:)`` of
/// each attachment, see ``AttachmentTable/attachments(of:)``.
///
/// **Who holds what.** Attachments keep the exporter. From the return of ``map(_:_:)`` until ``unmap(_:of:)`` is called,
/// the memory behind the ranges must stay valid and at its place: the importer accesses it at any time. After `unmap` was
/// called, no importer accesses it through that mapping.
///
/// **Threads.** Calls about one attachment come one at a time, calls about different ones at the same time, on the threads
/// that call ``BufferAttachment`` and ``AttachmentTable``; the library holds no lock. The functions must not call the attachment
/// that they were called for.
public protocol Exporter: AnyObject, Sendable {
    /// A short name for traces, telemetry and messages; not an identity.
    var name: String { get }

    /// The size of the buffer in bytes, 1 at least; constant.
    var byteCount: UInt64 { get }

    /// The inode of the buffer's file, for traces and telemetry; 0: it has none. 0 by default.
    var inode: UInt64 { get }

    /// The interconnects by which this importer could reach the buffer, the preferred one first. Called once for each
    /// attachment, before it exists.
    ///
    /// - Returns: at least one, each once, ``SystemMemory`` last if it is offered at all; anything else fails the attach
    ///   with `EINVAL`.
    func interconnects(for importer: any Importer) -> [any Interconnect]

    /// Makes the buffer reachable over the attachment's interconnect, and keeps it so until ``unmap(_:of:)``.
    ///
    /// The library refuses the result with `EINVAL`, and passes it to `unmap` at once, unless it has 1 to
    /// ``BufferAttachment/maximumRangeCount`` ranges, all of the interconnect's type, each with 1 byte at least and not beyond
    /// the end of the address space, none overlapping another, and together exactly as many bytes as the buffer.
    ///
    /// - Parameters:
    ///   - attachment: one that is not mapped.
    ///   - direction: the importer's accesses.
    /// - Returns: the buffer's pieces in order.
    /// - Throws: any error: it is the error of ``BufferAttachment/map(_:)``. The exporter has then undone what it began.
    func map(_ attachment: BufferAttachment, _ direction: MappingDirection) throws(DMAError) -> [any InterconnectRange]

    /// Ends a mapping: the importer no longer accesses the ranges. Called once for each return of ``map(_:_:)``.
    ///
    /// - Parameters:
    ///   - ranges: exactly those that `map` returned.
    ///   - attachment: the one that they were for.
    func unmap(_ ranges: [any InterconnectRange], of attachment: BufferAttachment)
}

extension Exporter {
    /// None.
    public var inode: UInt64 { 0 }
}

/// An exporter of one contiguous buffer of this process; all that it has to give is address, size and name.
///
/// The memory stays mapped as long as the exporter exists, and attachments keep the exporter.
public protocol SystemMemoryExporter: Exporter {
    /// The virtual address of the first byte; constant.
    var address: UInt64 { get }
}

extension SystemMemoryExporter {
    /// System memory only.
    public func interconnects(for importer: any Importer) -> [any Interconnect] { [SystemMemory.shared] }

    /// The buffer as one range.
    public func map(_ attachment: BufferAttachment, _ direction: MappingDirection) throws(DMAError)
        -> [any InterconnectRange]
    {
        [MemoryRange(address: address, byteCount: byteCount)]
    }

    /// Does nothing: the memory stays mapped.
    public func unmap(_ ranges: [any InterconnectRange], of attachment: BufferAttachment) {}
}
