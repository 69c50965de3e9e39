/// An attachment at one moment, for telemetry and displays.
public struct AttachmentReport: Sendable {
    /// The attachment's number.
    public let id: UInt64
    /// The exporter's name.
    public let exporter: String
    /// The inode of the buffer's file; 0: it has none.
    public let inode: UInt64
    /// The number of the ``MemoryRegion`` that is the exporter; `nil`: it is none.
    public let region: UInt64?
    /// The size of the buffer.
    public let byteCount: UInt64
    /// The importer's name.
    public let importer: String
    /// The number of the device that imports; -1: it is none.
    public let device: Int16
    /// The name of the chosen interconnect.
    public let interconnect: String
    /// The interconnects that the exporter prefers, and why they were not chosen.
    public let fallBacks: [BufferAttachment.FallBack]
    /// The state.
    public let state: BufferAttachment.State
    /// The direction of the mapping; `nil`: nothing is mapped.
    public let direction: MappingDirection?
    /// The ranges of the mapping, with the addresses of the interconnect.
    public let ranges: [MemoryRange]
    /// The same, with the importer's addresses.
    public let imported: [ImportedRange]
    /// How often it was mapped.
    public let mapCount: UInt64
    /// The time since its revocation began; `nil`: it was not revoked.
    public let revocationAge: Duration?
    /// The message of the last call that failed.
    public let lastError: String?

    /// Why the interconnect was chosen, as a sentence.
    public var choice: String {
        switch fallBacks.count {
        case 0: "first choice of the exporter"
        case 1: "the interconnect that the exporter prefers is not supported"
        case let count: "\(count) interconnects that the exporter prefers are not supported"
        }
    }
}

/// Counts of a table of attachments since it was made.
public struct AttachmentCounts: Sendable, Hashable {
    /// Attachments that were made.
    public var attached: UInt64 = 0
    /// Attachments that were detached.
    public var detached: UInt64 = 0
    /// Revocations that began.
    public var revocations: UInt64 = 0
    /// Calls of revoke that ended after their timeout.
    public var revocationTimeouts: UInt64 = 0
    /// Calls that failed, timeouts included.
    public var failures: UInt64 = 0
}

/// How often an interconnect was not supported, for one reason.
public struct FallBackCount: Sendable, Hashable {
    /// The interconnect's name.
    public let interconnect: String
    /// The reason.
    public let reason: String
    /// How often.
    public let count: UInt64
}
