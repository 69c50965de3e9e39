/// The first message of an application. The controller accepts no other message before it. Its layout, and that of the
/// first two members of ``Welcome``, are the same in all versions.
public struct Hello: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.hello

    /// The first member of both greetings: it detects a peer that does not use this protocol.
    public static let magic: UInt32 = 0x4341_4D44  // "DMAC"
    /// The newest version of this protocol that this module implements. Version 5 has added ``WatchRing``.
    public static let version: UInt16 = 5
    /// The oldest version that both sides still support.
    public static let oldestVersion: UInt16 = 4

    /// The oldest and the newest version that the application supports.
    public var lowestVersion, highestVersion: UInt16

    /// Makes the greeting of an application that supports these versions.
    public init(lowestVersion: UInt16 = Self.oldestVersion, highestVersion: UInt16 = Self.version) {
        self.lowestVersion = lowestVersion
        self.highestVersion = highestVersion
    }

    /// The version that a controller chooses for an application that supports a range of versions: the newest that both
    /// support; `nil`: there is none.
    public static func common(with application: ClosedRange<UInt16>) -> UInt16? {
        let common = min(application.upperBound, version)
        return common >= max(application.lowerBound, oldestVersion) ? common : nil
    }

    /// Why two sides without a common version do not work together, and what to do.
    public static func mismatch(application: ClosedRange<UInt16>, controller: UInt16) -> String {
        let versions =
            application.count == 1
            ? "version \(application.lowerBound)" : "versions \(application.lowerBound) to \(application.upperBound)"
        return
            "the application has \(versions) of the controller's protocol, and the controller has version \(controller): "
            + (application.upperBound < controller
                ? "upgrade the application" : "upgrade the controller, `dmascope serve`")
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(Self.magic)
        writer.put(lowestVersion)
        writer.put(highestVersion)
    }

    /// Decodes and validates the members; throws for a value that the protocol does not define.
    public init(from reader: inout WireReader) throws(WireError) {
        guard try reader.number() == Self.magic else {
            throw WireError("the greeting is not one of this protocol: its first 4 bytes differ")
        }
        lowestVersion = try reader.number()
        highestVersion = try reader.number()
        guard lowestVersion <= highestVersion else {
            throw WireError("versions \(lowestVersion) to \(highestVersion): the lowest version must come first")
        }
    }
}

/// The answer to ``Hello``: it describes the device that the application gets. It carries one file descriptor, the
/// engine's doorbell; with a region, the broker between application and controller adds the region's.
public struct Welcome: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.welcome

    /// The version that both sides use from now on.
    public var version: UInt16
    /// The number of the controller, as its configuration sets it.
    public var controllerID: UInt16
    /// The capabilities of the device, as bits of `RTE_DMA_CAPA_*`.
    public var capabilities: UInt64
    /// The highest number of virtual channels, 1 or more.
    public var maximumVirtualChannelCount: UInt16
    /// The highest and the lowest number of descriptors of a ring, 1 to 32,768.
    public var maximumDescriptorCount, minimumDescriptorCount: UInt16
    /// The highest number of entries of a scatter-gather list, 0 to 64.
    public var maximumEntryCount: UInt16
    /// The highest number of access groups of the controller.
    public var accessGroupCount: UInt16
    /// The number of priorities among the devices of one tenant, 0 for none.
    public var priorityCount: UInt16
    /// The length of the region that contains all memory of the connection: messages name memory by its offset there and
    /// carry no descriptors. 0: memory comes by descriptors.
    public var regionByteCount: UInt64

    /// The version of a packet that may be a welcome of any version; `nil`: it is none.
    public static func version(of packet: [UInt8]) -> UInt16? {
        guard (try? Packet.header(of: packet))?.kind == kind else { return nil }
        return packet.withUnsafeBytes { bytes in
            var reader = WireReader(UnsafeRawBufferPointer(rebasing: bytes.dropFirst(Packet.headerLength)))
            guard (try? reader.number()) == Hello.magic else { return nil }
            return try? reader.number()
        }
    }

    /// Makes an answer that describes a device.
    public init(
        version: UInt16 = Hello.version, controllerID: UInt16, capabilities: UInt64,
        maximumVirtualChannelCount: UInt16, maximumDescriptorCount: UInt16, minimumDescriptorCount: UInt16,
        maximumEntryCount: UInt16, accessGroupCount: UInt16, priorityCount: UInt16, regionByteCount: UInt64 = 0
    ) {
        self.version = version
        self.controllerID = controllerID
        self.capabilities = capabilities
        self.maximumVirtualChannelCount = maximumVirtualChannelCount
        self.maximumDescriptorCount = maximumDescriptorCount
        self.minimumDescriptorCount = minimumDescriptorCount
        self.maximumEntryCount = maximumEntryCount
        self.accessGroupCount = accessGroupCount
        self.priorityCount = priorityCount
        self.regionByteCount = regionByteCount
    }

    /// Encodes the members in wire order.
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
        writer.put(priorityCount)
        writer.put(regionByteCount)
    }

    /// Decodes and validates the members; throws for a value that the protocol does not define.
    public init(from reader: inout WireReader) throws(WireError) {
        guard try reader.number() == Hello.magic else {
            throw WireError("the greeting is not one of this protocol: its first 4 bytes differ")
        }
        version = try reader.number()
        controllerID = try reader.number()
        capabilities = try reader.number()
        maximumVirtualChannelCount = try reader.number()
        maximumDescriptorCount = try reader.number()
        minimumDescriptorCount = try reader.number()
        maximumEntryCount = try reader.number()
        accessGroupCount = try reader.number()
        priorityCount = try reader.number()
        regionByteCount = try reader.number()
        guard maximumVirtualChannelCount > 0, (1...32768).contains(maximumDescriptorCount),
            (1...maximumDescriptorCount).contains(minimumDescriptorCount), maximumEntryCount <= 64
        else { throw WireError("the offered device has limits that are out of range") }
    }
}
