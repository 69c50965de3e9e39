/// A dma-buf of the machine.
public struct DMABufferRecord: Sendable, Equatable {
    /// The inode number, which no other dma-buf has while this one exists.
    public let inode: UInt64
    /// The exporter, for example `udmabuf` or `system`; `nil` when only mappings of the buffer were found.
    public var exporter: String?
    /// The name that a process has given it, with any characters; `nil`: none, or unknown.
    public var name: String?
    /// Bytes; `nil` when only mappings of the buffer were found.
    public var byteCount: UInt64?
    /// The references to it: descriptors, mappings, and users in the kernel. `nil` if the kernel's list is not readable.
    public var referenceCount: UInt64?
    /// The devices that are attached to it; `nil` if the kernel's list is not readable.
    public var attachedDevices: [String]?
    /// The processes that have descriptors or mappings of it, by process number.
    public var holders: [DMABufferHolder] = []

    init(inode: UInt64) { self.inode = inode }
}

/// A process that has a dma-buf.
public struct DMABufferHolder: Sendable, Equatable {
    /// The process's number.
    public let processID: Int32
    /// The name of its program, at most 15 bytes, which it may choose itself.
    public let processName: String
    /// The user whose rights it has; 0 also for a process that does not permit others to look into it.
    public let userID: UInt32
    /// How many of its descriptors are of this buffer.
    public var descriptorCount = 0
    /// How many of its mappings are.
    public var mappingCount = 0
    /// The bytes of these mappings.
    public var mappedByteCount: UInt64 = 0
}
