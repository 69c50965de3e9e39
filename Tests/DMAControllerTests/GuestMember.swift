import ControllerDriver
import DMADev
import Glibc
import SystemPackage
import TestSupport
import Testing

/// A device with a buffer, on this operating system or in a stand-in guest.
final class GuestMember {
    let device: DMADevice
    let buffer: DeviceBuffer
    let iova: UInt64
    let domain = DomainID.random()
    var handler: DomainHandler = 0
    private var channel: VirtualChannel?

    /// - Parameter path: of the controller's socket, or of the guest's.
    init(_ path: String, byteCount: Int = 64 << 10) throws {
        device = try DeviceRegistry().add(ControllerDevice(path: path), named: "dma")
        buffer = try device.makeBuffer(byteCount: byteCount)
        iova = try device.mapMemory(buffer.bytes)
    }

    func start(_ domain: InterDomain = .none) throws {
        channel = nil
        try device.stop()
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(
            0, configuration: VirtualChannelConfiguration(descriptorCount: 64, domain: domain))
        try device.start()
        channel = try device.virtualChannel(0)
    }

    func window(_ group: AccessGroupID, _ rights: WindowRights = [.read, .write]) throws -> DomainWindow {
        let address = UInt64(UInt(bitPattern: buffer.bytes.baseAddress))
        return try device.registerWindow(
            WindowMemory(address: address, length: UInt64(buffer.bytes.count)), rights: rights, in: group)
    }

    /// Copies, and says how it ended.
    func copy(
        from source: UInt64, to destination: UInt64, _ length: UInt32 = 4096, _ flags: OperationFlags = []
    ) throws -> CompletionStatus {
        let channel = try #require(channel)
        try channel.copy(from: source, to: destination, length: length, flags: flags.union(.submit))
        var status = [CompletionStatus(rawValue: 0xDEAD)]
        while try status.withUnsafeMutableBufferPointer({ try channel.completedStatus(into: $0).count }) == 0 {
            sched_yield()
        }
        return status[0]
    }

    /// Copies without a wait for the end.
    func begin(from source: UInt64, to destination: UInt64, _ length: UInt32, _ flags: OperationFlags) throws {
        try #require(channel).copy(from: source, to: destination, length: length, flags: flags.union(.submit))
    }

    /// How the operations end that were begun.
    func ends(_ count: Int) throws -> [CompletionStatus] {
        let channel = try #require(channel)
        var statuses: [CompletionStatus] = []
        while statuses.count < count {
            var some = [CompletionStatus](repeating: .successful, count: count - statuses.count)
            let taken = try some.withUnsafeMutableBufferPointer { try channel.completedStatus(into: $0).count }
            statuses += some.prefix(taken)
            sched_yield()
        }
        return statuses
    }

    func fill(_ byte: UInt8) { _ = buffer.bytes.initializeMemory(as: UInt8.self, repeating: byte) }
    func holds(_ byte: UInt8) -> Bool { buffer.bytes.allSatisfy { $0 == byte } }

    static func flags(
        source: DomainHandler = 0, destination: DomainHandler = 0, _ type: InterDomainType = .operatingSystem
    ) -> OperationFlags {
        var flags: OperationFlags = []
        if source != 0 { flags.insert(.source(source, of: type)) }
        if destination != 0 { flags.insert(.destination(destination, of: type)) }
        return flags
    }
}

func errno(_ body: () throws -> Void) -> Errno? {
    do {
        try body()
        return nil
    } catch {
        return (error as? DMAError)?.errno ?? (error as? OperationError)?.errno
    }
}
