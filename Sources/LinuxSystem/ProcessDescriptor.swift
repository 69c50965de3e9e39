import CLinux
import Glibc
import SystemPackage

/// Descriptors of processes, readable when the process has ended; unlike its number they never come to name another one.
public enum ProcessDescriptor {
    /// Opens a process by its number.
    ///
    /// C: `pidfd_open`. ESRCH when there is none.
    public static func open(_ pid: Int32) throws(Errno) -> OwnedDescriptor {
        OwnedDescriptor(adopting: try tryingSystemCall { clinux_pidfd_open(pid) })
    }

    /// Opens the process at the other end of a Unix socket: the one that called `connect`, even when another one holds
    /// that end now.
    ///
    /// Kernels before 6.5 know only its number, which may have been given to another process meanwhile.
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
