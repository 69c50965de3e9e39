import Glibc
import SystemPackage

/// A directory for sockets that only this user can write to.
public enum PrivateDirectory {
    /// The reason why a directory is not used.
    public struct Refusal: Error, Sendable, Equatable, CustomStringConvertible {
        /// The errno of the system call, or `EPERM` when the directory exists but is not private.
        public let errno: Errno
        /// A sentence: what is wrong and what is allowed.
        public let reason: String

        /// Both values are stored unchanged.
        public init(errno: Errno, reason: String) {
            self.errno = errno
            self.reason = reason
        }

        /// The reason.
        public var description: String { reason }
    }

    /// Creates the directory with mode 0700 if it does not exist, and checks it in any case.
    ///
    /// Its parent must exist. It refuses a symbolic link (another user may control its target), a file that is not a
    /// directory, another owner than this user (or, with `allowsSuperuser`, the superuser), and write permission for
    /// group or others.
    ///
    /// C: `mkdir`, `lstat`
    ///
    /// - Returns: whether it was created.
    @discardableResult
    public static func prepare(_ path: String, allowsSuperuser: Bool = false) throws(Refusal) -> Bool {
        let made: Bool
        switch systemCall({ mkdir(path, 0o700) }) {
        case .success: made = true
        case .failure(.fileExists): made = false
        case .failure(let error):
            throw Refusal(errno: error, reason: "cannot make the directory \(path): \(error)")
        }
        var status = stat()
        if case .failure(let error) = systemCall({ lstat(path, &status) }) {
            throw Refusal(errno: error, reason: "cannot check the directory \(path): \(error)")
        }
        if let fault = fault(of: status, allowsSuperuser: allowsSuperuser) {
            throw Refusal(errno: .notPermitted, reason: "\(path) \(fault)")
        }
        return made
    }

    /// Lets others search and list a directory that was prepared. One that belongs to another user does not change.
    ///
    /// C: `lchown`, `chmod`
    ///
    /// - Parameters:
    ///   - mode: what is permitted at least; exactly, if it is new.
    ///   - group: its group; `nil`: as it is.
    /// - Throws: when it is open to another group already.
    static func open(_ path: String, mode: UInt16, group: UInt32?, isNew: Bool) throws(Refusal) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_uid == geteuid() else { return }
        let present = status.st_mode & 0o7777
        let wanted = isNew ? mode_t(mode) : present | mode_t(mode)
        if let group, group != status.st_gid {
            guard isNew || present & 0o070 == 0 else {
                throw Refusal(
                    errno: .notPermitted,
                    reason: "\(path) is open to group \(status.st_gid), so it cannot be opened to group \(group) too")
            }
            try change("the group of", path) { lchown(path, uid_t.max, group) }
        }
        if wanted != present { try change("the mode of", path) { chmod(path, wanted) } }
    }

    private static func change(_ what: String, _ path: String, _ call: () -> CInt) throws(Refusal) {
        if case .failure(let error) = systemCall(call) {
            throw Refusal(errno: error, reason: "cannot change \(what) the directory \(path): \(error)")
        }
    }

    private static func fault(of status: stat, allowsSuperuser: Bool) -> String? {
        switch status.st_mode & S_IFMT {
        case S_IFDIR: break
        case S_IFLNK: return "is a symbolic link; it must be a directory"
        default: return "is not a directory"
        }
        guard status.st_uid == geteuid() || (allowsSuperuser && status.st_uid == 0) else {
            return "belongs to user \(status.st_uid); it must belong to user \(geteuid())"
        }
        guard status.st_mode & 0o022 == 0 else {
            let mode = String(status.st_mode & 0o7777, radix: 8)
            return "has mode \(mode); group and others must not have write permission"
        }
        return nil
    }
}
