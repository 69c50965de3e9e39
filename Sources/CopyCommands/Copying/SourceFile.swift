import CommandSupport
import Glibc
import LinuxSystem
import SystemPackage

/// The source file, open and mapped. Its length is the one at the time of opening.
final class SourceFile {
    let path: String
    let descriptor: OwnedDescriptor
    let mapping: FileMapping
    let status: stat

    var length: Int { Int(status.st_size) }

    init(_ path: String) throws(Failure) {
        // Non-blocking, because opening a FIFO without a writer would block.
        let raw = try calling(path, "open it") { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        let descriptor = OwnedDescriptor(adopting: raw)
        var status = stat()
        try calling(path, "read its status") { fstat(raw, &status) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Failure("\(path): is \(status.kind): only regular files can be copied")
        }
        if status.st_size == 0 {
            var byte: UInt8 = 0
            guard try calling(path, "read it", { pread(raw, &byte, 1, 0) }) == 0 else {
                throw Failure("\(path): has bytes but length 0, like files in /proc: copy it with cp first")
            }
        }
        mapping = try FileMapping(path, raw, length: Int(status.st_size), writable: false)
        self.path = path
        self.descriptor = descriptor
        self.status = status
    }
}

extension stat {
    /// The type of the file, with an article.
    var kind: String {
        switch st_mode & S_IFMT {
        case S_IFREG: "a regular file"
        case S_IFDIR: "a directory"
        case S_IFLNK: "a symbolic link"
        case S_IFIFO: "a FIFO"
        case S_IFSOCK: "a socket"
        default: "a device"
        }
    }
}
