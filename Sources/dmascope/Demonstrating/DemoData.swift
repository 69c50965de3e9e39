import Glibc
import LinuxSystem
import SystemPackage

/// The bytes that are moved: a file, or random ones in a file that has no name. Both processes have its descriptor and
/// compare with it what has arrived.
struct DemoData: ~Copyable {
    let descriptor: OwnedDescriptor
    let byteCount: Int
    /// What people call it.
    let name: String

    /// A file.
    static func file(_ path: String) throws(Failure) -> DemoData {
        let raw = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard raw >= 0 else {
            throw Failure("cannot open \(path): \(Errno(rawValue: errno)): name a file that can be read")
        }
        let descriptor = OwnedDescriptor(adopting: raw)
        var status = stat()
        guard fstat(raw, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Failure("\(path) is no regular file: name one")
        }
        guard (1...DemoPair.largest).contains(Int(status.st_size)) else {
            throw Failure("\(path) has \(status.st_size) bytes: name a file of 1 byte to 1 GiB")
        }
        return DemoData(descriptor: descriptor, byteCount: Int(status.st_size), name: path)
    }

    /// Random bytes.
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
