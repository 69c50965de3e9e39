import CLinux
import Glibc
import SystemPackage

/// Descriptors of processes, readable when the process has ended; unlike a process ID they never refer to another
/// process.
public enum ProcessDescriptor {
    /// Opens a process by its ID.
    ///
    /// C: `pidfd_open`. ESRCH when it does not exist.
    public static func open(_ pid: Int32) throws(Errno) -> OwnedDescriptor {
        OwnedDescriptor(adopting: try tryingSystemCall { clinux_pidfd_open(pid) })
    }

    /// Opens the peer process of a Unix socket: the one that called `connect`, even if another process owns that end
    /// now.
    ///
    /// Kernels before 6.5 provide only its ID, which may belong to another process by now.
    ///
    /// C: `getsockopt` with `SO_PEERPIDFD`, `pidfd_open`
    public static func ofPeer(_ socket: borrowing OwnedDescriptor) throws(Errno) -> OwnedDescriptor {
        let raw = socket.raw
        switch systemCall({ clinux_peer_pidfd(raw) }) {
        case .success(let descriptor): return OwnedDescriptor(adopting: descriptor)
        case .failure(.protocolNotAvailable): return try open(PeerCredentials(of: socket).pid)
        case .failure(let error): throw error
        }
    }
}
