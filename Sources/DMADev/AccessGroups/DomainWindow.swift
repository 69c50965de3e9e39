/// What members of a group may do with a window.
public struct WindowRights: OptionSet, Sendable, Hashable {
    /// The bits.
    public let rawValue: UInt32

    /// Rights from their bits.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Be the source of a transfer.
    public static let read = WindowRights(rawValue: 1 << 0)
    /// Be the destination of a transfer.
    public static let write = WindowRights(rawValue: 1 << 1)

    static let defined: WindowRights = [.read, .write]
}

/// Memory of the caller's that is to become a window.
public struct WindowMemory: Sendable, Hashable {
    /// Its address in this process.
    public var address: UInt64
    /// Bytes.
    public var length: UInt64
    /// The file behind it (a memfd sealed against shrinking, or a dma-buf), which the driver duplicates; `nil` for memory
    /// that the driver knows by its address.
    public var descriptor: CInt?
    /// Where in the file it begins, in bytes.
    public var offset: UInt64

    /// A range of memory.
    public init(address: UInt64, length: UInt64, descriptor: CInt? = nil, offset: UInt64 = 0) {
        self.address = address
        self.length = length
        self.descriptor = descriptor
        self.offset = offset
    }
}

/// A piece of a domain's memory that its group may reach.
public struct DomainWindow: Sendable, Hashable {
    /// The member that owns it.
    public var handler: DomainHandler
    /// Its first address in transfers that name the handler; no other window of the controller has it, and no virtual
    /// address equals it.
    public var iova: UInt64
    /// Bytes.
    public var length: UInt64
    /// What the others may do with it.
    public var rights: WindowRights

    /// A window.
    public init(handler: DomainHandler, iova: UInt64, length: UInt64, rights: WindowRights) {
        self.handler = handler
        self.iova = iova
        self.length = length
        self.rights = rights
    }
}
