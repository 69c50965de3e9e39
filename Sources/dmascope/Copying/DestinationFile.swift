import Glibc
import LinuxSystem
import SystemPackage

/// The file that is written: without a name until it is complete, so that a failure, or the death of the process, leaves
/// nothing behind.
///
/// On a file system that has no nameless files it has a name that begins with a dot, which a failure removes.
final class DestinationFile {
    let path: String
    let descriptor: OwnedDescriptor
    let length: Int
    private let directory: String
    private let replaces: Bool
    /// The name it has now; `nil`: none.
    private var temporaryName: String?

    /// Spaces of this size are reserved in one call; a signal is seen between two.
    private static let reservedAtATime = 1 << 30

    /// Opens the file that will have the name `path`.
    ///
    /// - Parameter replaces: whether there may be a file of that name.
    init(_ path: String, copyOf source: SourceFile, replaces: Bool) throws(Failure) {
        try Self.check(path, source, replaces)
        self.path = path
        self.replaces = replaces
        length = source.length
        let end = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        directory = end == path.startIndex ? "." : String(path[..<end])
        let (raw, name) = try Self.open(in: directory)
        descriptor = OwnedDescriptor(adopting: raw)
        temporaryName = name
        let permissions = source.status.st_mode & 0o777
        try calling(path, "set its permissions") { fchmod(raw, permissions) }
    }

    deinit {
        if let temporaryName { unlink(temporaryName) }
    }

    /// Takes the space of all bytes, so that none of them fails for want of it later.
    func reserve(_ termination: Termination) throws(Failure) {
        var offset = 0
        while offset < length {
            try termination.check(path)
            let piece = min(length - offset, Self.reservedAtATime)
            // Returns the error instead of setting errno.
            let error = Errno(rawValue: posix_fallocate(descriptor.raw, off_t(offset), off_t(piece)))
            if error == .interrupted { continue }
            guard error.rawValue == 0 else { throw .file(path, "reserve \(ByteCount(length).text)", error) }
            offset += piece
        }
    }

    func map() throws(Failure) -> FileMapping {
        try FileMapping(path, descriptor.raw, length: length, writable: true)
    }

    /// Gives the file its name.
    func publish() throws(Failure) {
        guard replaces else {
            if let temporaryName { try rename(temporaryName, to: path) } else { try link(to: path) }
            temporaryName = nil
            return
        }
        if temporaryName == nil {
            let name = Self.freshName(in: directory)
            try link(to: name)
            temporaryName = name
        }
        if let temporaryName { try calling(path, "replace it") { Glibc.rename(temporaryName, path) } }
        temporaryName = nil
    }

    /// Gives the nameless file a name that must be free.
    private func link(to name: String) throws(Failure) {
        let this = "/proc/self/fd/\(descriptor.raw)"
        try calling(path, "create it") { linkat(AT_FDCWD, this, AT_FDCWD, name, AT_SYMLINK_FOLLOW) }
    }

    /// Moves the file to a name that must be free.
    private func rename(_ old: String, to new: String) throws(Failure) {
        switch systemCall({ Glibc.link(old, new) }) {
        case .success:
            unlink(old)
        case .failure(.notPermitted):
            // A file system without hard links: look, then rename.
            guard access(new, F_OK) != 0 else { throw .file(new, "create it", .fileExists) }
            try calling(new, "create it") { Glibc.rename(old, new) }
        case .failure(let error):
            throw .file(new, "create it", error)
        }
    }

    /// Refuses a destination that would hurt: another kind of file, the source itself, a file that is to stay.
    private static func check(_ path: String, _ source: SourceFile, _ replaces: Bool) throws(Failure) {
        var status = stat()
        switch systemCall({ lstat(path, &status) }) {
        case .failure(.noSuchFileOrDirectory): return
        case .failure(let error): throw .file(path, "look at it", error)
        case .success: break
        }
        guard status.st_dev != source.status.st_dev || status.st_ino != source.status.st_ino else {
            throw Failure("\(path): is the source itself: choose another name")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Failure("\(path): is \(status.kind): name the file that the copy is to be")
        }
        guard replaces else { throw Failure("\(path): exists: choose another name, or say --force") }
    }

    private static func open(in directory: String) throws(Failure) -> (descriptor: CInt, name: String?) {
        switch systemCall({ Glibc.open(directory, CInt(__O_TMPFILE) | O_DIRECTORY | O_RDWR | O_CLOEXEC, 0o600) }) {
        case .success(let raw):
            return (raw, nil)
        case .failure(.notSupportedOnSocket), .failure(.isDirectory):
            let name = freshName(in: directory)
            let raw = try calling(directory, "create a file there") {
                Glibc.open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            }
            return (raw, name)
        case .failure(let error):
            throw .file(directory, "create a file there", error)
        }
    }

    private static func freshName(in directory: String) -> String {
        "\(directory)/.dmascope-copy-\(getpid())-\(String(UInt64.random(in: .min ... .max), radix: 36))"
    }
}
