/// A way by which an importer reaches the memory of an exporter, for example the system's memory or a link between two
/// devices.
///
/// An interconnect is an object that its owner provides. Two sides mean the same interconnect if they have the same
/// object: there is no central list of numbers, and an interconnect that only one pair of exporter and importer knows is
/// registered nowhere. An owner that has details to pass conforms a class with further members, and sets the type of its
/// ranges; the two sides read them after a cast to this class.
///
/// Objects are constant or synchronize their members themselves: any thread reads them.
public protocol Interconnect: AnyObject, Sendable {
    /// One piece of a buffer on this interconnect.
    associatedtype Range: InterconnectRange

    /// A short name for traces, telemetry and messages; not an identity.
    var name: String { get }
}

/// One piece of a mapped buffer, with the address at which it is reached over an interconnect.
///
/// A mapping is a list of these in the order of the buffer: the first covers the buffer's first bytes. The library checks
/// such a list before an importer receives it, see ``Exporter/map(_:_:)``.
public protocol InterconnectRange: Sendable {
    /// Distinguishes address spaces of one interconnect: only ranges with the same value may overlap. 0 by default.
    var space: UInt64 { get }
    /// The first address.
    var address: UInt64 { get }
    /// Length in bytes, 1 at least.
    var byteCount: UInt64 { get }
}

extension InterconnectRange {
    /// One address space.
    public var space: UInt64 { 0 }
}

/// The memory of this process, by virtual address: a scatter list.
///
/// An exporter that offers it offers it last, as the one that every importer in this process can use.
public final class SystemMemory: Interconnect {
    /// A range of virtual addresses.
    public typealias Range = MemoryRange

    /// The only object.
    public static let shared = SystemMemory()

    /// Constant.
    public let name = "system_memory"

    private init() {}
}

/// A range of virtual addresses of this process.
public struct MemoryRange: InterconnectRange, Hashable {
    /// The first address.
    public var address: UInt64
    /// Length in bytes.
    public var byteCount: UInt64
    /// The file that the addresses map, for a driver that needs it; `nil`: none is known.
    package var file: MappedFile?

    /// Values are not checked.
    public init(address: UInt64, byteCount: UInt64) {
        self.address = address
        self.byteCount = byteCount
    }
}

/// The file behind a range of addresses.
package struct MappedFile: Sendable, Hashable {
    /// Lent: open as long as the range is mapped.
    package let descriptor: CInt
    /// Of the range's first byte.
    package let offset: UInt64
    /// Whether accesses are bracketed with `DMA_BUF_IOCTL_SYNC`.
    package let isDMABuffer: Bool
}

/// The windows of a controller's access groups: a buffer that another process has opened to its group.
///
/// Devices of the same controller reach it by handler and IOVA, without a mapping of their own: access ends when the
/// exporter has closed the windows, which it does in ``Exporter/unmap(_:of:)``.
public final class ControllerWindows: Interconnect {
    /// A window.
    public typealias Range = WindowRange

    /// The controller, see ``DeviceProperties/controllerID``.
    public let controllerID: UInt16

    /// Constant.
    public let name = "controller_windows"

    /// - Parameter controllerID: of the controller whose devices reach the windows; they accept every object with its ID.
    public init(controllerID: UInt16) {
        self.controllerID = controllerID
    }
}

/// A part of a window.
public struct WindowRange: InterconnectRange, Hashable {
    /// The member that owns the window.
    public var handler: DomainHandler
    /// The first address in transfers that use the handler.
    public var address: UInt64
    /// Length in bytes.
    public var byteCount: UInt64

    /// Values are not checked.
    public init(handler: DomainHandler, address: UInt64, byteCount: UInt64) {
        self.handler = handler
        self.address = address
        self.byteCount = byteCount
    }

    /// Windows of different members may have the same address.
    public var space: UInt64 { UInt64(handler) }
}
