import CLinux
import Glibc
import SystemPackage

/// Who is at the other end of a Unix socket, as the kernel noted it when the peer called `connect` or `listen`.
///
/// The process may have ended since, and its number may have been given to another one.
public struct PeerCredentials: Sendable, Hashable {
    /// The process; 0 when it lives in a namespace that this process cannot see.
    public let pid: Int32
    /// The effective user.
    public let uid: UInt32
    /// The effective group.
    public let gid: UInt32

    /// Asks the kernel.
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
}
