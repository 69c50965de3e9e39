import CommandSupport
import Glibc
import LinuxSystem
import SystemPackage

/// The bytes to move: a file, or random bytes in a memory file. Both processes have its descriptor and compare the
/// moved bytes with it.
struct DemoData: ~Copyable {
    let descriptor: OwnedDescriptor
    let byteCount: Int
    /// The path, or a description of the random bytes.
    let name: String

    static func file(_ path: String) throws(Failure) -> DemoData {
        let raw = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard raw >= 0 else {
            throw Failure("cannot open \(path): \(Errno(rawValue: errno)): choose a readable file")
        }
        let descriptor = OwnedDescriptor(adopting: raw)
        var status = stat()
        guard fstat(raw, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Failure("\(path) is not a regular file: choose a regular file")
        }
        guard (1...DemoPair.largest).contains(Int(status.st_size)) else {
            throw Failure("\(path) has \(status.st_size) bytes: choose a file of 1 byte to 1 GiB")
        }
        return DemoData(descriptor: descriptor, byteCount: Int(status.st_size), name: path)
    }

    static func random(_ size: ByteCount) throws(Failure) -> DemoData {
        do throws(Errno) {
            let file = try MemoryFile.make(name: "dmascope-demo", byteCount: size.bytes)
            let mapping = try SharedMapping(of: file.raw, byteCount: size.bytes, isWritable: true)
            RandomBytes.fill(mapping.bytes)
            return DemoData(descriptor: file, byteCount: size.bytes, name: "\(size.text) of random bytes")
        } catch {
            throw Failure("no memory for \(size.text): \(error): try a smaller --size")
        }
    }
}
