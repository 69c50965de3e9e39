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
    /// Kernels before 6.5 provide only its ID. There the connection must still exist afterwards: it ends with its last
    /// owner, and until then the ID is that of the peer, unless it has passed its end to another process and has ended.
    ///
    /// C: `getsockopt` with `SO_PEERPIDFD`, `pidfd_open`. ESRCH when the process or the connection has ended;
    /// EOPNOTSUPP before 6.5 for a process that is not visible here.
    public static func ofPeer(_ socket: borrowing OwnedDescriptor) throws(Errno) -> OwnedDescriptor {
        let raw = socket.raw
        switch systemCall({ clinux_peer_pidfd(raw) }) {
        case .success(let descriptor): return OwnedDescriptor(adopting: descriptor)
        case .failure(.protocolNotAvailable):
            let pid = try PeerCredentials(of: socket).pid
            guard pid != 0 else { throw .notSupported }
            let process = try open(pid)
            guard !isReady(raw, POLLHUP) else { throw .noSuchProcess }
            return process
        case .failure(let error): throw error
        }
    }

    /// Whether a process has ended.
    public static func hasEnded(_ process: borrowing OwnedDescriptor) -> Bool { isReady(process.raw, POLLIN) }

    private static func isReady(_ raw: CInt, _ events: Int32) -> Bool {
        var watched = pollfd(fd: raw, events: Int16(events), revents: 0)
        return poll(&watched, 1, 0) == 1 && Int32(watched.revents) & events != 0
    }

    /// A file of a process in `/proc`; `nil` when it cannot be read, or the process has ended: the ID may belong to
    /// another one then.
    static func file(_ name: String, of pid: Int32, _ process: borrowing OwnedDescriptor) -> String? {
        // Paths of control groups have at most 4 KiB; there are some 12 hierarchies.
        guard let bytes = try? ProcFile.bytes("/proc/\(pid)/\(name)", atMost: 1 << 16), !bytes.isEmpty,
            !hasEnded(process)
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
