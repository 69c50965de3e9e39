/// The rights of group members on a window.
public struct WindowRights: OptionSet, Sendable, Hashable {
    /// The bits.
    public let rawValue: UInt32

    /// Rights from their bits.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Use as the source of a transfer.
    public static let read = WindowRights(rawValue: 1 << 0)
    /// Use as the destination of a transfer.
    public static let write = WindowRights(rawValue: 1 << 1)

    static let defined: WindowRights = [.read, .write]
}

/// The caller's memory for a new window.
public struct WindowMemory: Sendable, Hashable {
    /// Its address in this process.
    public var address: UInt64
    /// Length in bytes.
    public var length: UInt64
    /// The file of the memory (a memfd sealed against shrinking, or a dma-buf), which the driver duplicates; `nil`: the
    /// driver finds the file by the address.
    public var descriptor: CInt?
    /// Offset in the file, in bytes.
    public var offset: UInt64

    /// Values are checked by `registerWindow`.
    public init(address: UInt64, length: UInt64, descriptor: CInt? = nil, offset: UInt64 = 0) {
        self.address = address
        self.length = length
        self.descriptor = descriptor
        self.offset = offset
    }
}

/// A part of a domain's memory that its group may access.
public struct DomainWindow: Sendable, Hashable {
    /// The member that owns it.
    public var handler: DomainHandler
    /// Its first address in transfers that use the handler: outside of all virtual address ranges, and of no earlier
    /// window of its process. Windows of other members can have the same address.
    public var iova: UInt64
    /// Length in bytes.
    public var length: UInt64
    /// The rights of the other members.
    public var rights: WindowRights

    /// Values are not checked.
    public init(handler: DomainHandler, iova: UInt64, length: UInt64, rights: WindowRights) {
        self.handler = handler
        self.iova = iova
        self.length = length
        self.rights = rights
    }
}
