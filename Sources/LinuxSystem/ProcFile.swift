public import Glibc
public import SystemPackage

/// Files and directories that the kernel makes up when they are read: their size is not known before.
public enum ProcFile {
    /// The contents of a file.
    ///
    /// - Parameters:
    ///   - path: absolute, or below `directory`.
    ///   - directory: an open directory. One of a process in `/proc` stays that process's, whoever gets its number later.
    ///   - most: how many bytes are read at least before the rest is left out.
    public static func bytes(
        _ path: String, in directory: CInt = AT_FDCWD, atMost most: Int
    ) throws(Errno) -> [UInt8] {
        var bytes: [UInt8] = []
        try forEachPart(path, in: directory) { part in
            bytes += part
            return bytes.count < most
        }
        return bytes
    }

    /// Calls `body` for each line, without its end, until it returns false.
    static func forEachLine(_ path: String, _ body: (ArraySlice<UInt8>) -> Bool) throws(Errno) {
        var pending: [UInt8] = []
        try forEachPart(path, in: AT_FDCWD) { part in
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

    private static func forEachPart(
        _ path: String, in directory: CInt, _ body: (ArraySlice<UInt8>) -> Bool
    ) throws(Errno) {
        let file = OwnedDescriptor(
            adopting: try tryingSystemCall { openat(directory, path, O_RDONLY | O_CLOEXEC) })
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

    /// The names in a directory that do not begin with a dot, in the kernel's order.
    ///
    /// - Parameters:
    ///   - path: absolute, or below `directory`.
    ///   - directory: an open directory, for a path that is not absolute.
    ///   - most: names beyond this number are left out.
    ///   - hidden: whether names that begin with a dot are among them, but for `.` and `..`.
    /// - Throws: the error of opening it: EACCES, ENOENT.
    public static func names(
        in path: String, in directory: CInt = AT_FDCWD, atMost most: Int = .max, hidden: Bool = false
    ) throws(Errno) -> [String] {
        let raw = try tryingSystemCall { openat(directory, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard let stream = fdopendir(raw) else {
            let error = Errno(rawValue: errno)
            close(raw)
            throw error
        }
        defer { closedir(stream) }
        var names: [String] = []
        while names.count < most, let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") || (hidden && name != "." && name != "..") { names.append(name) }
        }
        return names
    }

    /// Whether the target of a symbolic link begins with some bytes; `false` if it cannot be read.
    public static func linkTarget(_ path: String, in directory: CInt, hasPrefix prefix: StaticString) -> Bool {
        var target = [UInt8](repeating: 0, count: prefix.utf8CodeUnitCount)
        let count = target.withUnsafeMutableBytes { bytes -> Int in
            guard let buffer = bytes.bindMemory(to: CChar.self).baseAddress else { return 0 }
            return readlinkat(directory, path, buffer, bytes.count)
        }
        return count == target.count && memcmp(target, prefix.utf8Start, count) == 0
    }
}
