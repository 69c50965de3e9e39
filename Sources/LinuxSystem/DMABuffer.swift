import CLinux
import Glibc
public import SystemPackage

/// A dma-buf: memory of a device driver or of another exporter, shared by file descriptor.
///
/// C: `struct dma_buf`, as `/proc/PID/fdinfo/N` shows it
public struct DMABuffer: Sendable, Hashable {
    /// The exporter, for example `udmabuf` or `system`.
    public let exporter: String
    /// Bytes; constant while the buffer exists.
    public let byteCount: UInt64
    /// The inode number, which no other dma-buf has while this one exists.
    public let inode: UInt64
    /// The name that a process has given it; `nil`: none. Any process with a descriptor can change it, and it can
    /// contain any character.
    public let name: String?

    /// Values are not checked.
    public init(exporter: String, byteCount: UInt64, inode: UInt64, name: String?) {
        self.exporter = exporter
        self.byteCount = byteCount
        self.inode = inode
        self.name = name
    }

    /// The dma-buf behind a descriptor; `nil` when the file is of another kind.
    ///
    /// For a descriptor from an untrusted process: it calls no function of a file system, which could block for as long
    /// as the process chooses.
    ///
    /// C: `/proc/self/fdinfo/N`. EBADF; ENOENT, EACCES when `/proc` is not there or not readable.
    public init?(of descriptor: CInt) throws(Errno) {
        // Without it a closed descriptor looks like a missing /proc.
        try tryingSystemCall { fcntl(descriptor, F_GETFD) }
        let bytes = try ProcFile.bytes("/proc/self/fdinfo/\(descriptor)", atMost: 1 << 14)
        self.init(descriptorInformation: String(decoding: bytes, as: UTF8.self))
    }

    /// The dma-buf in the text of `/proc/PID/fdinfo/N`; `nil` when the file is of another kind.
    ///
    /// Three lines in a row, written by the kernel, make it one: in the text of other kinds of files a process can
    /// choose a part of a line at most. The name comes last, as it can contain line ends.
    public init?(descriptorInformation text: String) {
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        func value(_ key: String, _ line: Int) -> Substring? {
            guard line < lines.count, lines[line].starts(with: "\(key):\t".utf8) else { return nil }
            return Substring(lines[line].dropFirst(key.utf8.count + 2))
        }
        guard let first = lines.indices.first(where: { value("size", $0) != nil }),
            let byteCount = value("size", first).flatMap({ UInt64($0) }), value("count", first + 1) != nil,
            let exporter = value("exp_name", first + 2),
            let inode = (0..<first).lazy.compactMap({ value("ino", $0) }).first.flatMap({ UInt64($0) })
        else { return nil }
        var name: String?
        if value("name", first + 3) != nil {
            let rest = text.utf8[lines[first + 3].startIndex...].dropFirst("name:\t".utf8.count)
            name = String(Substring(rest.last == UInt8(ascii: "\n") ? rest.dropLast() : rest))
        }
        self.init(exporter: String(exporter), byteCount: byteCount, inode: inode, name: name)
    }
}

extension DMABuffer {
    /// How the processor accesses a buffer; `DMA_BUF_SYNC_READ`, `DMA_BUF_SYNC_WRITE`.
    public struct Access: OptionSet, Sendable, Hashable {
        /// The bits.
        public let rawValue: UInt64

        /// Directions from their bits.
        public init(rawValue: UInt64) { self.rawValue = rawValue }

        /// The processor reads.
        public static let read = Access(rawValue: UInt64(CLINUX_DMABUF_READ))
        /// The processor writes.
        public static let write = Access(rawValue: UInt64(CLINUX_DMABUF_WRITE))
    }

    /// Begins an access of this process through a mapping. It waits for devices that use the buffer, without a limit:
    /// never call it for a buffer of an untrusted process on a thread that others wait for.
    ///
    /// C: `ioctl` with `DMA_BUF_IOCTL_SYNC` and `DMA_BUF_SYNC_START`. ENOTTY for a file that is no dma-buf, EINVAL for no
    /// direction, and errors of the exporter.
    public static func beginAccess(_ access: Access, to descriptor: CInt) throws(Errno) {
        try retrying { clinux_dmabuf_sync(descriptor, access.rawValue) }
    }

    /// Ends an access that has begun with the same directions.
    ///
    /// C: `ioctl` with `DMA_BUF_IOCTL_SYNC` and `DMA_BUF_SYNC_END`
    public static func endAccess(_ access: Access, to descriptor: CInt) throws(Errno) {
        try retrying { clinux_dmabuf_sync(descriptor, access.rawValue | UInt64(CLINUX_DMABUF_END)) }
    }

    /// Repeats a call that failed with EAGAIN or EINTR, as the kernel requires it of these.
    package static func retrying(_ call: () -> CInt) throws(Errno) {
        while true {
            switch systemCall(call) {
            case .success: return
            case .failure(.wouldBlock): continue
            case .failure(let error): throw error
            }
        }
    }
}
