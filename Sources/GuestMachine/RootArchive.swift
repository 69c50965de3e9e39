internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// The files of a guest, as the kernel unpacks them at boot: a cpio archive in the format "newc", in a file in memory.
struct RootArchive: ~Copyable {
    let file: OwnedDescriptor
    private var paths: Set<String> = ["/"]

    init() throws(Errno) {
        file = try MemoryFile.make(name: "dmascope-guest", byteCount: 0)
    }

    /// Whether there is a file or directory of this path.
    func contains(_ path: String) -> Bool { paths.contains(path) }

    /// Adds an empty directory, and those that contain it.
    mutating func addDirectory(_ path: String) throws(Errno) {
        guard !paths.contains(path), let slash = path.lastIndex(of: "/") else { return }
        try addDirectory(String(path[..<slash]))
        if slash != path.startIndex || path.count > 1 { try append(path, mode: 0o040755, []) }
    }

    /// Adds a file, unless the path is there; the first one counts.
    mutating func add(_ content: [UInt8], at path: String, isExecutable: Bool) throws(Errno) {
        guard !paths.contains(path), let slash = path.lastIndex(of: "/") else { return }
        try addDirectory(String(path[..<slash]))
        try append(path, mode: isExecutable ? 0o100755 : 0o100644, content)
    }

    /// Ends the archive.
    mutating func finish() throws(Errno) {
        try append("/TRAILER!!!", mode: 0, [])
    }

    private mutating func append(_ path: String, mode: Int, _ content: [UInt8]) throws(Errno) {
        paths.insert(path)
        let name = Array(path.utf8.dropFirst()) + [0]
        // The number of the file, its mode, user, group, links, time, length, four device numbers, the length of the name.
        let fields = [paths.count, mode, 0, 0, 1, 0, content.count, 0, 0, 0, 0, name.count, 0]
        try write(Array(("070701" + fields.map(Self.hexadecimal).joined()).utf8) + name)
        try write(content)
    }

    /// Writes, and fills up to a multiple of four bytes.
    private func write(_ bytes: [UInt8]) throws(Errno) {
        for part in [bytes, Array(repeating: 0, count: -bytes.count & 3)] {
            var rest = part[...]
            while !rest.isEmpty {
                let raw = file.raw
                let result = rest.withUnsafeBytes { buffer in
                    systemCall { Glibc.write(raw, buffer.baseAddress, buffer.count) }
                }
                rest = rest.dropFirst(try result.get())
            }
        }
    }

    private static func hexadecimal(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
