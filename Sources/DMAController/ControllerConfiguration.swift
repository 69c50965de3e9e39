/// How a controller differs from the usual.
public struct ControllerConfiguration: Sendable {
    /// What all processes of one user may have together.
    public struct Quota: Sendable, Equatable {
        /// Connections, which is devices.
        public var connections = 64
        /// Rings of started virtual channels.
        public var rings = 256
        /// Stretches of registered memory.
        public var windows = 1024
        /// Bytes of registered memory and of rings. Holes in a sealed file can be filled again and again, by anybody who
        /// has it: it is the mapped size that counts, not what is in use.
        public var bytes: UInt64 = 4 << 30
        /// Access groups that were made.
        public var groups = 64
        /// Events of groups that wait because the application does not read and its socket is full. Events are never
        /// dropped: beyond this, the connection with the most of them ends.
        public var events = 16384

        /// The usual.
        public init() {}
    }

    /// What applications see as the device's `controller_id`.
    public var controllerID: UInt16 = 0
    /// Most virtual channels of a device, 1 to 1,024.
    public var maximumVirtualChannelCount: UInt16 = 16
    /// Most descriptors a ring, up to 32,768.
    public var maximumDescriptorCount: UInt16 = 8192
    /// Fewest descriptors a ring, from 1.
    public var minimumDescriptorCount: UInt16 = 32
    /// Most entries of a scatter-gather list, up to 64.
    public var maximumEntryCount: UInt16 = 32
    /// Access groups, 1 to 32,767.
    public var accessGroupCount: UInt16 = 256
    /// For each user.
    public var quota = Quota()
    /// The mode of the socket: who may connect. Read and write are needed.
    public var socketMode: UInt16 = 0o660
    /// The group of the socket; `nil`: the process's own.
    public var socketGroup: UInt32?
    /// Connections of all users together; a further one is turned away.
    public var maximumConnections = 1024

    /// The usual.
    public init() {}
}

/// Why a controller could not be started.
public struct ControllerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was wrong, and what is allowed.
    public let description: String
    /// Another controller has the socket: one at another path is possible.
    public let isTaken: Bool

    /// An error.
    public init(_ description: String, isTaken: Bool = false) {
        self.description = description
        self.isTaken = isTaken
    }
}
