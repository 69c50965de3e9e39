internal import LinuxSystem
internal import SystemPackage

extension DMADevice {
    /// Attaches the device to an exporter's buffer; the buffer is not mapped yet.
    ///
    /// After ``BufferAttachment/map(_:)`` the operations of all channels use the returned addresses, with SVA too: they are IOVAs
    /// that are not equal to any virtual address of a process. An operation that reads or writes against the direction
    /// fails like one on memory that is not mapped, if the driver can tell them apart. When unmap or a revocation has
    /// returned, operations on the addresses fail; running ones fail in the middle.
    ///
    /// - Parameters:
    ///   - exporter: the buffer; kept until the attachment is detached.
    ///   - allowed: the interconnects that may be used; `nil`: all.
    /// - Returns: the attachment, also in ``DeviceRegistry/attachments``. It keeps the device.
    /// - Throws: as ``AttachmentTable/attach(_:to:allowing:)``; `EINVAL` when the device was closed.
    public func attach(_ exporter: any Exporter, allowing allowed: [any Interconnect]? = nil) throws(DMAError)
        -> BufferAttachment
    {
        try attachments.attach(exporter, to: DeviceImporter(self), allowing: allowed)
    }
}

/// A device as an importer.
final class DeviceImporter: Importer {
    private let device: DMADevice

    init(_ device: DMADevice) {
        self.device = device
    }

    var name: String { device.name }
    var deviceID: Int16 { device.id }

    func match(_ interconnect: any Interconnect, of exporter: any Exporter) throws(DMAError) {
        try device.view.mustBeOpen()
        try device.driver.match(interconnect)
    }

    func take(
        _ ranges: [any InterconnectRange], of attachment: BufferAttachment, _ direction: MappingDirection
    ) throws(DMAError) -> [ImportedRange] {
        if let windows = ranges as? [WindowRange] {
            return windows.map {
                ImportedRange(address: $0.address, byteCount: $0.byteCount, handler: $0.handler)
            }
        }
        guard let memory = ranges as? [MemoryRange] else {
            throw .unsupported("device \(device.id) maps no ranges of the interconnect \(attachment.interconnect.name)")
        }
        let addresses = try device.exclusively(within: nil) { () throws(DMAError) in
            try device.view.mustBeOpen()
            return try device.driver.mapRanges(memory, direction)
        }
        return zip(memory, addresses).map { ImportedRange(address: $1, byteCount: $0.byteCount) }
    }

    func release(
        _ ranges: [ImportedRange], of attachment: BufferAttachment, for reason: ReleaseReason, within timeout: Duration?
    ) throws(DMAError) {
        // Windows are not mapped for the device: the exporter closes them.
        guard attachment.interconnect === SystemMemory.shared else { return }
        let deadline = timeout.map { MonotonicTime.now.advanced(by: $0) }
        try device.exclusively(within: timeout) { () throws(DMAError) in
            // A closed device accesses nothing, and its driver takes no calls.
            guard device.state.withLock({ !$0.isClosed }) else { return }
            let left = deadline.map { Duration.nanoseconds(Int64(clamping: $0.nanoseconds(since: .now))) }
            try device.driver.unmapRanges(ranges.map(\.address), for: reason, within: left)
        }
    }
}
