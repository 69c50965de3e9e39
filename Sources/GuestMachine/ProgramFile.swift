internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// Programs and shared libraries of this machine.
enum ProgramFile {
    private static let loader = "/lib64/ld-linux-x86-64.so.2"

    /// The path of the program that this process runs.
    static var ownPath: String {
        var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = target.withUnsafeMutableBytes { bytes in
            // The array is not empty.
            readlink("/proc/self/exe", bytes.bindMemory(to: CChar.self).baseAddress!, bytes.count)
        }
        return String(decoding: target.prefix(max(count, 0)), as: UTF8.self)
    }

    /// The content of a file.
    static func contents(of path: String) throws(GuestError) -> [UInt8] {
        do throws(Errno) {
            let file = OwnedDescriptor(adopting: try tryingSystemCall { open(path, O_RDONLY | O_CLOEXEC) })
            return try contents(of: file.raw)
        } catch {
            throw GuestError("\(path) cannot be read: \(error)")
        }
    }

    /// The content of an open file, from its beginning.
    static func contents(of file: CInt) throws(Errno) -> [UInt8] {
        var status = stat()
        try tryingSystemCall { fstat(file, &status) }
        var bytes = [UInt8](repeating: 0, count: status.st_size)
        var count = 0
        while count < bytes.count {
            let result = bytes.withUnsafeMutableBytes { buffer in
                systemCall { pread(file, buffer.baseAddress.map { $0 + count }, buffer.count - count, count) }
            }
            let read = try result.get()
            guard read > 0 else { break }
            count += read
        }
        return Array(bytes.prefix(count))
    }

    /// A program without what the kernel and the loader do not read, above all debugging information: it follows what
    /// is loaded. Another file is unchanged.
    static func loadedPart(of bytes: [UInt8]) -> [UInt8] {
        func number<Number: FixedWidthInteger>(_ type: Number.Type, at offset: Int) -> Int? {
            guard offset >= 0, offset <= bytes.count - MemoryLayout<Number>.size else { return nil }
            return Int(exactly: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Number.self) })
        }
        // C: Elf64_Ehdr, Elf64_Phdr
        guard bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2]), let table = number(UInt64.self, at: 32),
            let size = number(UInt16.self, at: 54), let count = number(UInt16.self, at: 56)
        else { return bytes }
        var end = 64
        for place in 0..<count {
            let header = table.addingReportingOverflow(place * size)
            guard !header.overflow, let offset = number(UInt64.self, at: header.partialValue &+ 8),
                let length = number(UInt64.self, at: header.partialValue &+ 32), offset <= bytes.count,
                length <= bytes.count - offset
            else { return bytes }
            end = max(end, offset + length, header.partialValue + size)
        }
        var part = Array(bytes.prefix(end))
        // It has no sections any more.
        for range in [40..<48, 60..<64] { part.replaceSubrange(range, with: repeatElement(0, count: range.count)) }
        return part
    }

    /// The paths of the libraries that a program or library links, and of the loader.
    static func libraries(of path: String) throws(GuestError) -> [String] {
        do throws(Errno) {
            let output = try MemoryFile.make(name: "libraries", byteCount: 0)
            let null = OwnedDescriptor(adopting: try tryingSystemCall { open("/dev/null", O_RDWR | O_CLOEXEC) })
            let process = try ChildProcess(
                loader, [loader, "--list", path], descriptors: [null.raw, output.raw, null.raw])
            // A program without libraries makes it fail.
            guard process.wait() == 0 else { return [] }
            // Lines such as "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)" and "/lib64/ld-linux-x86-64.so.2 (0x…)".
            let lines = String(decoding: try contents(of: output.raw), as: UTF8.self).split(separator: "\n")
            return lines.compactMap { line in
                line.split { $0 == " " || $0 == "\t" }.first { $0.hasPrefix("/") }.map(String.init)
            }
        } catch {
            throw GuestError("the libraries of \(path) cannot be listed: \(error)")
        }
    }
}
