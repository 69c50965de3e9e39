import CommandSupport
import Glibc
import LinuxSystem
import SystemPackage

/// The destination file. It has no name until it is complete, so a failure or a killed process leaves no file.
///
/// On a file system without `O_TMPFILE` it has a temporary name that begins with a dot; a failure removes it.
final class DestinationFile {
    let path: String
    let descriptor: OwnedDescriptor
    let length: Int
    private let directory: String
    private let replaces: Bool
    /// The current temporary name; `nil`: none.
    private var temporaryName: String?

    /// Bytes that one call reserves. Signals are checked between two calls.
    private static let reservedAtATime = 1 << 30

    /// Creates the file that ``publish()`` will name `path`.
    ///
    /// - Parameter replaces: whether an existing file is replaced.
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

    /// Reserves disk space for all bytes, so that no later write fails because the disk is full.
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

    /// Gives the file without a name a name that must not exist.
    private func link(to name: String) throws(Failure) {
        let this = "/proc/self/fd/\(descriptor.raw)"
        try calling(path, "create it") { linkat(AT_FDCWD, this, AT_FDCWD, name, AT_SYMLINK_FOLLOW) }
    }

    /// Renames the file to a name that must not exist.
    private func rename(_ old: String, to new: String) throws(Failure) {
        switch systemCall({ Glibc.link(old, new) }) {
        case .success:
            unlink(old)
        case .failure(.notPermitted):
            // A file system without hard links: check, then rename.
            guard access(new, F_OK) != 0 else { throw .file(new, "create it", .fileExists) }
            try calling(new, "create it") { Glibc.rename(old, new) }
        case .failure(let error):
            throw .file(new, "create it", error)
        }
    }

    /// Rejects a destination that is the source, is not a regular file, or exists and must not be replaced.
    private static func check(_ path: String, _ source: SourceFile, _ replaces: Bool) throws(Failure) {
        var status = stat()
        switch systemCall({ lstat(path, &status) }) {
        case .failure(.noSuchFileOrDirectory): return
        case .failure(let error): throw .file(path, "read its status", error)
        case .success: break
        }
        guard status.st_dev != source.status.st_dev || status.st_ino != source.status.st_ino else {
            throw Failure("\(path): is the source file: choose another name")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Failure("\(path): is \(status.kind): give the path of a file")
        }
        guard replaces else { throw Failure("\(path): exists: choose another name, or use --force") }
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
