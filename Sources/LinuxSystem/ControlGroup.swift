import CLinux
import Glibc
import SystemPackage

/// A control group of processes, in the hierarchy of cgroup v2.
///
/// C: `/proc/PID/cgroup`
public struct ControlGroup: Sendable, Hashable {
    /// The path below the root of the hierarchy, as this process sees it; the root is `/`.
    public let path: String
    /// The inode number of its directory, which no other group has between two starts of the system; `nil`: this process
    /// cannot read the directory.
    public let inode: UInt64?

    /// A group whose identity is known.
    public init(path: String, inode: UInt64?) {
        self.path = path
        self.inode = inode
    }

    /// The group that a process is counted to: its own, or the outermost one around it that belongs to a user other than
    /// the superuser and this process's user. That user can make further groups inside, as many as he likes.
    ///
    /// - Parameters:
    ///   - pid: as this process sees it.
    ///   - process: the descriptor of the same process, which shows that the number is still its own.
    ///   - roots: where the hierarchy may be mounted.
    /// - Returns: `nil` when the process has ended or cannot be seen, or the system has no such hierarchy.
    public init?(
        of pid: Int32, _ process: borrowing OwnedDescriptor,
        roots: [String] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
    ) {
        guard pid > 0, let text = ProcessDescriptor.file("cgroup", of: pid, process), let path = Self.path(in: text)
        else { return nil }
        self = roots.lazy.compactMap { Self.find(path, below: $0) }.first ?? ControlGroup(path: path, inode: nil)
    }

    /// The path in the text of `/proc/PID/cgroup`: that of the line `0::PATH`.
    package static func path(in text: String) -> String? {
        text.split(separator: "\n").first { $0.hasPrefix("0::/") }.map { String($0.dropFirst(3)) }
    }

    /// - Returns: `nil` when a part of the path cannot be read, or is not part of such a hierarchy.
    private static func find(_ path: String, below root: String) -> ControlGroup? {
        let names = path.split(separator: "/")
        // The kernel writes this for groups that this process's namespace does not contain.
        guard !names.contains("..") else { return nil }
        var found = ""
        guard var status = status(of: root) else { return nil }
        for name in names {
            found += "/" + name
            guard let next = Self.status(of: root + found) else { return nil }
            status = next
            if status.st_uid != 0, status.st_uid != geteuid() { break }
        }
        return ControlGroup(path: found.isEmpty ? "/" : found, inode: UInt64(status.st_ino))
    }

    private static func status(of directory: String) -> stat? {
        var status = stat()
        guard clinux_is_cgroup(directory), lstat(directory, &status) == 0 else { return nil }
        return status
    }
}
