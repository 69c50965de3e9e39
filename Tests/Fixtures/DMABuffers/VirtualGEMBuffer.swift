import Glibc
import LinuxSystem
import SystemPackage

/// A dma-buf of vgem, a driver of the kernel without hardware: an application can make its fences.
struct VirtualGEMBuffer: ~Copyable {
    /// What the kernel calls the exporter of all graphics drivers.
    static let exporter = "drm"

    /// The dma-buf.
    let file: OwnedDescriptor
    private let device: OwnedDescriptor
    private let handle: UInt32

    /// Makes a buffer of zeros.
    init(byteCount: Int) throws {
        let path = "/dev/dri/card0"
        let device = OwnedDescriptor(adopting: try tryingSystemCall { open(path, O_RDWR | O_CLOEXEC) })
        // Height, width, bits, flags; then handle, pitch, and the size in two words.
        var dumb: [UInt32] = [1, UInt32(byteCount), 8, 0, 0, 0, 0, 0]
        try Self.call(0xC020_64B2, on: device, &dumb)
        let handle = dumb[4]
        // Handle and flags; then the descriptor.
        var exported = [handle, UInt32(O_RDWR | O_CLOEXEC), 0]
        try Self.call(0xC00C_642D, on: device, &exported)
        // Last, because a value that cannot be copied must not be half made when an error is thrown.
        file = OwnedDescriptor(adopting: CInt(exported[2]))
        self.handle = handle
        self.device = device
    }

    /// Adds a fence, as of a device that writes into the buffer. Nothing signals it; after ten seconds, the driver does.
    ///
    /// C: `DRM_IOCTL_VGEM_FENCE_ATTACH` with `VGEM_FENCE_WRITE`
    func addFence() throws(Errno) {
        var fence: [UInt32] = [handle, 1, 0, 0]
        try Self.call(0xC010_6441, on: device, &fence)
    }

    /// Whether a device still writes into the buffer, as its fences say.
    var isWritten: Bool {
        var watched = pollfd(fd: file.raw, events: Int16(POLLIN), revents: 0)
        return poll(&watched, 1, 0) == 0
    }

    private static func call(
        _ request: UInt, on device: borrowing OwnedDescriptor, _ words: inout [UInt32]
    ) throws(Errno) {
        let descriptor = device.raw
        // The array is not empty.
        try tryingSystemCall { words.withUnsafeMutableBytes { ioctl(descriptor, request, $0.baseAddress!) } }
    }
}
