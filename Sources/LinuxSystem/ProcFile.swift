import Glibc
import SystemPackage

/// Files that the kernel makes up when they are read: their size is not known before.
enum ProcFile {
    /// The contents of a file.
    ///
    /// - Parameter most: how many bytes are read at least before the rest is left out.
    static func bytes(_ path: String, atMost most: Int) throws(Errno) -> [UInt8] {
        let file = OwnedDescriptor(adopting: try tryingSystemCall { Glibc.open(path, O_RDONLY | O_CLOEXEC) })
        let raw = file.raw
        // The kernel gives whole lines of a list of mappings, at most a page at a time.
        var part = [UInt8](repeating: 0, count: 4096)
        var bytes: [UInt8] = []
        while bytes.count < most {
            let result = part.withUnsafeMutableBytes { buffer in
                systemCall { read(raw, buffer.baseAddress, buffer.count) }
            }
            let count = try result.get()
            guard count > 0 else { break }
            bytes += part[..<count]
        }
        return bytes
    }
}
