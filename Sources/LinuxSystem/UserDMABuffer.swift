import CLinux
import Glibc
import SystemPackage

/// dma-bufs whose memory is a part of a file in memory (``MemoryFile``), which the kernel's udmabuf exports.
public enum UserDMABuffer {
    /// The device file of the exporter.
    public static let devicePath = "/dev/udmabuf"

    /// Makes a dma-buf of a part of a file. The buffer keeps the file's pages, also after the file is closed; both show
    /// the same bytes.
    ///
    /// C: `ioctl` with `UDMABUF_CREATE`
    ///
    /// - Parameters:
    ///   - file: has the seal ``MemoryFile/Seals/shrink`` and not ``MemoryFile/Seals/write``.
    ///   - offset: a multiple of the file's page size.
    ///   - byteCount: likewise, and at most the parameter `size_limit_mb` of the module, 64 by default.
    ///   - name: shown by the kernel and by `dmascope memory list`; `nil`: none.
    ///   - device: the exporter's device file.
    /// - Throws: ``DMABufferError``
    public static func make(
        of file: CInt, offset: Int = 0, byteCount: Int, name: String? = nil, device: String = devicePath
    ) throws(DMABufferError) -> OwnedDescriptor {
        let exporter = try DMABufferError.open(
            device, O_RDWR, remedy: "load the module udmabuf, or use a kernel with CONFIG_UDMABUF, or a DMA heap")
        let made = systemCall {
            clinux_udmabuf_create(
                exporter.raw, file, UInt64(bitPattern: Int64(offset)), UInt64(bitPattern: Int64(byteCount)))
        }
        switch made {
        case .success(let raw):
            let buffer = OwnedDescriptor(adopting: raw)
            if let name { try DMAHeap.setName(name, of: buffer.raw) }
            return buffer
        case .failure(.invalidArgument):
            throw DMABufferError(
                .invalid, .invalidArgument,
                "\(byteCount) bytes at offset \(offset) cannot become a dma-buf: the file must be a memfd that is sealed "
                    + "against shrinking and not against writing, and the part whole pages in it, up to the limit "
                    + "/sys/module/udmabuf/parameters/size_limit_mb")
        case .failure(let errno) where errno.rawValue == EBADFD:
            throw DMABufferError(.invalid, errno, "only a memfd can become a dma-buf")
        case .failure(let errno):
            throw .other("\(device) cannot make a dma-buf of \(byteCount) bytes", errno)
        }
    }
}
