import CLinux
import Glibc
import SystemPackage

/// The peer of a Unix socket, as recorded by the kernel when the peer called `connect` or `listen`.
///
/// The process may have ended since, and its ID may belong to another process.
public struct PeerCredentials: Sendable, Hashable {
    /// The process ID; 0 when it is in a namespace that is not visible to this process.
    public let pid: Int32
    /// The effective user.
    public let uid: UInt32
    /// The effective group.
    public let gid: UInt32

    /// Reads the credentials from the kernel.
    ///
    /// C: `getsockopt` with `SO_PEERCRED`
    public init(of socket: borrowing OwnedDescriptor) throws(Errno) {
        var pid: pid_t = 0
        var uid: uid_t = 0
        var gid: gid_t = 0
        let descriptor = socket.raw
        try tryingSystemCall { clinux_peer_credentials(descriptor, &pid, &uid, &gid) }
        self.pid = pid
        self.uid = uid
        self.gid = gid
    }

    /// Credentials that were read elsewhere.
    package init(pid: Int32, uid: UInt32, gid: UInt32) {
        self.pid = pid
        self.uid = uid
        self.gid = gid
    }

    /// The supplementary groups of the peer, as recorded at the same time.
    ///
    /// C: `getsockopt` with `SO_PEERGROUPS`
    public static func supplementaryGroups(of socket: borrowing OwnedDescriptor) throws(Errno) -> [UInt32] {
        let descriptor = socket.raw
        var groups = [gid_t](repeating: 0, count: 64)
        while true {
            let count = try tryingSystemCall { clinux_peer_groups(descriptor, &groups, groups.count) }
            if count <= groups.count { return Array(groups.prefix(count)) }
            groups = Array(repeating: 0, count: count)
        }
    }
}
