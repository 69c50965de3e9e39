import CLinux
import Glibc
import SystemPackage

/// A heap of the kernel that allocates dma-bufs.
public struct DMAHeap: Sendable, Hashable {
    /// The directory with a device file for each heap.
    public static let directory = "/dev/dma_heap"

    /// The heap of ordinary memory.
    public static let system = DMAHeap("system")

    /// The name of its device file, which its dma-bufs have as their exporter.
    public let name: String
    private let path: String

    /// A heap by name; whether it exists is seen at ``allocate(byteCount:name:)``.
    public init(_ name: String, directory: String = DMAHeap.directory) {
        self.name = name
        path = "\(directory)/\(name)"
    }

    /// Allocates a zeroed dma-buf.
    ///
    /// C: `ioctl` with `DMA_HEAP_IOCTL_ALLOC`
    ///
    /// - Parameters:
    ///   - byteCount: 1 or more; rounded up to whole pages.
    ///   - bufferName: shown by the kernel and by `dmascope memory list`; `nil`: none.
    /// - Throws: ``DMABufferError``
    public func allocate(byteCount: Int, name bufferName: String? = nil) throws(DMABufferError) -> OwnedDescriptor {
        let heap = try DMABufferError.open(
            path, O_RDONLY, remedy: "use a heap of \(DMAHeap.directory), or a kernel with CONFIG_DMABUF_HEAPS")
        switch systemCall({ clinux_dma_heap_allocate(heap.raw, UInt64(bitPattern: Int64(byteCount))) }) {
        case .success(let raw):
            let buffer = OwnedDescriptor(adopting: raw)
            if let bufferName { try Self.setName(bufferName, of: buffer.raw) }
            return buffer
        case .failure(.invalidArgument):
            throw DMABufferError(
                .invalid, .invalidArgument, "\(path) cannot allocate \(byteCount) bytes: the size must be at least 1")
        case .failure(let errno):
            throw .other("\(path) cannot allocate \(byteCount) bytes", errno)
        }
    }

    static func setName(_ name: String, of buffer: CInt) throws(DMABufferError) {
        guard case .failure(let errno) = systemCall({ clinux_dmabuf_set_name(buffer, name) }) else { return }
        guard errno == .invalidArgument || errno == .fileNameTooLong else {
            throw .other("the dma-buf cannot be named", errno)
        }
        throw DMABufferError(.invalid, errno, "\"\(name)\" cannot name a dma-buf: a name has at most 31 bytes")
    }
}
