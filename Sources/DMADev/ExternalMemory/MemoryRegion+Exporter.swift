/// A region as a buffer that devices attach to: its bytes, by system memory.
///
/// An attachment is a use of the region until it is dead: until then the region cannot be unregistered, or detached, and
/// its memory must stay mapped. The region's own IOVAs play no part: each mapping gets new ones.
extension MemoryRegion: SystemMemoryExporter {
    /// The region's number.
    public var name: String { "region \(number)" }

    /// The inode of the file behind it; 0: no file is known.
    public var inode: UInt64 { file?.inode ?? 0 }

    /// The region as one range, with its file.
    public func map(_ attachment: BufferAttachment, _ direction: MappingDirection) throws(DMAError)
        -> [any InterconnectRange]
    {
        var range = MemoryRange(address: address, byteCount: byteCount)
        range.file = file.map {
            MappedFile(descriptor: lentDescriptor, offset: $0.offset, isDMABuffer: $0.kind == .dmaBuffer)
        }
        return [range]
    }

    /// Begins the use by an attachment, which ends when the attachment is dead.
    ///
    /// - Returns: a token for ``endUse(_:)``.
    /// - Throws: `EINVAL` when the region is not registered any more.
    func beginUse(by attachment: BufferAttachment) throws(DMAError) -> UInt64 {
        let importer = attachment.importer
        let user = importer.deviceID < 0 ? importer.name : "device \(importer.deviceID) '\(importer.name)'"
        return try beginUse(.other("attached to \(user) by attachment \(attachment.id)")) { [weak attachment] in
            attachment.map { $0.state != .dead } ?? false
        }
    }
}
