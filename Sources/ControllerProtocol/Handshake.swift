/// The first message of an application. Nothing else is taken before it.
public struct Hello: WireMessage {
    /// What the header says.
    public static let kind = MessageKind.hello

    /// What both sides begin with, so that a stranger on the socket is found out.
    public static let magic: UInt32 = 0x4341_4D44  // "DMAC"
    /// The version of this protocol.
    public static let version: UInt16 = 1

    /// The oldest and the newest version that the application speaks.
    public var lowestVersion, highestVersion: UInt16

    /// An application that speaks these versions.
    public init(lowestVersion: UInt16 = Self.version, highestVersion: UInt16 = Self.version) {
        self.lowestVersion = lowestVersion
        self.highestVersion = highestVersion
    }

    /// Writes the members.
    public func write(to writer: inout WireWriter) {
        writer.put(Self.magic)
        writer.put(lowestVersion)
        writer.put(highestVersion)
    }

    /// Reads the members.
    public init(from reader: inout WireReader) throws(WireError) {
        guard try reader.number() == Self.magic else {
            throw WireError("no greeting of this protocol: other first bytes")
        }
        lowestVersion = try reader.number()
        highestVersion = try reader.number()
        guard lowestVersion <= highestVersion else {
            throw WireError("versions \(lowestVersion) to \(highestVersion): the first is the lower one")
        }
    }
}

/// The answer to ``Hello``: which device the application has now. It brings one descriptor, the engine's bell.
public struct Welcome: WireMessage {
    /// What the header says.
    public static let kind = MessageKind.welcome

    /// The version that both sides speak from now on.
    public var version: UInt16
    /// The number of the controller.
    public var controllerID: UInt16
    /// What the device does, by the bits of `RTE_DMA_CAPA_*`.
    public var capabilities: UInt64
    /// Most virtual channels.
    public var maximumVirtualChannelCount: UInt16
    /// Most and fewest descriptors of a ring.
    public var maximumDescriptorCount, minimumDescriptorCount: UInt16
    /// Most entries of a scatter-gather list.
    public var maximumEntryCount: UInt16
    /// Access groups that the controller holds.
    public var accessGroupCount: UInt16

    /// A device.
    public init(
        version: UInt16 = Hello.version, controllerID: UInt16, capabilities: UInt64,
        maximumVirtualChannelCount: UInt16, maximumDescriptorCount: UInt16, minimumDescriptorCount: UInt16,
        maximumEntryCount: UInt16, accessGroupCount: UInt16
    ) {
        self.version = version
        self.controllerID = controllerID
        self.capabilities = capabilities
        self.maximumVirtualChannelCount = maximumVirtualChannelCount
        self.maximumDescriptorCount = maximumDescriptorCount
        self.minimumDescriptorCount = minimumDescriptorCount
        self.maximumEntryCount = maximumEntryCount
        self.accessGroupCount = accessGroupCount
    }

    /// Writes the members.
    public func write(to writer: inout WireWriter) {
        writer.put(Hello.magic)
        writer.put(version)
        writer.put(controllerID)
        writer.put(capabilities)
        writer.put(maximumVirtualChannelCount)
        writer.put(maximumDescriptorCount)
        writer.put(minimumDescriptorCount)
        writer.put(maximumEntryCount)
        writer.put(accessGroupCount)
        writer.put(UInt16(0))
    }

    /// Reads the members.
    public init(from reader: inout WireReader) throws(WireError) {
        guard try reader.number() == Hello.magic else {
            throw WireError("no greeting of this protocol: other first bytes")
        }
        version = try reader.number()
        controllerID = try reader.number()
        capabilities = try reader.number()
        maximumVirtualChannelCount = try reader.number()
        maximumDescriptorCount = try reader.number()
        minimumDescriptorCount = try reader.number()
        maximumEntryCount = try reader.number()
        accessGroupCount = try reader.number()
        try reader.reserved(UInt16.self)
        guard maximumVirtualChannelCount > 0, (1...32768).contains(maximumDescriptorCount),
            (1...maximumDescriptorCount).contains(minimumDescriptorCount), maximumEntryCount <= 64
        else { throw WireError("the device that is offered has limits that no device has") }
    }
}
