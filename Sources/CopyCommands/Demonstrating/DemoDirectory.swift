import CommandSupport
import Glibc
import LinuxSystem
import SystemPackage

/// The directory for the sockets of a demonstration. It and what is in it are removed with the object. What demonstrations
/// of this user have left that were killed is removed first.
final class DemoDirectory {
    let path: String
    /// The directory, locked: another demonstration sees that this one lives.
    private let lock: OwnedDescriptor

    // Not TMPDIR, which may be too long: a socket's path has at most 107 bytes.
    private static let (parent, prefix) = ("/tmp", "dmascope-demo-")

    init() throws(Failure) {
        Self.removeAbandoned()
        while true {
            var template = Array("\(Self.parent)/\(Self.prefix)XXXXXX".utf8CString)
            guard mkdtemp(&template) != nil else {
                throw Failure("cannot create a directory in \(Self.parent): \(Errno(rawValue: errno)): free some space")
            }
            let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            // Another demonstration may have locked and removed it meanwhile.
            guard let lock = Self.locked(path), access(path, F_OK) == 0 else { continue }
            self.path = path
            self.lock = lock
            return
        }
    }

    deinit { Self.remove(path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Opens and locks a directory of this user; `nil` if it is none, or its demonstration lives.
    private static func locked(_ path: String) -> OwnedDescriptor? {
        let raw = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard raw >= 0 else { return nil }
        let directory = OwnedDescriptor(adopting: raw)
        var status = stat()
        guard fstat(raw, &status) == 0, status.st_uid == geteuid(), flock(raw, LOCK_EX | LOCK_NB) == 0 else {
            return nil
        }
        return directory
    }

    private static func removeAbandoned() {
        for name in names(in: parent) where name.hasPrefix(prefix) {
            let path = "\(parent)/\(name)"
            if let lock = locked(path) {
                remove(path)
                _ = consume lock
            }
        }
    }

    /// Only this user and the superuser can write to the directory.
    private static func remove(_ path: String) {
        for name in names(in: path) where unlink("\(path)/\(name)") != 0 { remove("\(path)/\(name)") }
        rmdir(path)
    }

    private static func names(in path: String) -> [String] { (try? ProcFile.names(in: path)) ?? [] }
}
