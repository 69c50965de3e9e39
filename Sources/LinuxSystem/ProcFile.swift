import Glibc
import SystemPackage

/// Files that the kernel makes up when they are read: their size is not known before.
enum ProcFile {
    /// The contents of a file.
    ///
    /// - Parameter most: how many bytes are read at least before the rest is left out.
    static func bytes(_ path: String, atMost most: Int) throws(Errno) -> [UInt8] {
        var bytes: [UInt8] = []
        try forEachPart(path) { part in
            bytes += part
            return bytes.count < most
        }
        return bytes
    }

    /// Calls `body` for each line, without its end, until it returns false.
    static func forEachLine(_ path: String, _ body: (ArraySlice<UInt8>) -> Bool) throws(Errno) {
        var pending: [UInt8] = []
        try forEachPart(path) { part in
            pending += part
            var start = 0
            while let end = pending[start...].firstIndex(of: UInt8(ascii: "\n")) {
                guard body(pending[start..<end]) else { return false }
                start = end + 1
            }
            pending.removeFirst(start)
            return true
        }
    }

    private static func forEachPart(_ path: String, _ body: (ArraySlice<UInt8>) -> Bool) throws(Errno) {
        let file = OwnedDescriptor(adopting: try tryingSystemCall { Glibc.open(path, O_RDONLY | O_CLOEXEC) })
        let raw = file.raw
        // The kernel gives a page at a time.
        var part = [UInt8](repeating: 0, count: 4096)
        while true {
            let result = part.withUnsafeMutableBytes { buffer in
                systemCall { read(raw, buffer.baseAddress, buffer.count) }
            }
            let count = try result.get()
            guard count > 0, body(part[..<count]) else { return }
        }
    }
}
