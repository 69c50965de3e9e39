import Glibc
import SystemPackage

/// An exclusive lock on a file that exists only while a process holds or waits for the lock.
///
/// A process that ends loses the lock; the next process reuses the remaining file.
///
/// C: `flock`
public struct FileLock: ~Copyable, Sendable {
    private let path: String
    private let descriptor: OwnedDescriptor

    /// Takes the lock; waits at most `timeout`.
    ///
    /// - Throws: `Errno.wouldBlock` when another process held it all the time, else the errno of `open` or `flock`.
    public init(path: String, timeout: Duration = .seconds(5)) throws(Errno) {
        let deadline = MonotonicTime.now.advanced(by: timeout)
        while true {
            let raw = try tryingSystemCall {
                Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode_t(0o600))
            }
            let candidate = OwnedDescriptor(adopting: raw)
            switch systemCall({ flock(raw, LOCK_EX | LOCK_NB) }) {
            case .success:
                // The previous holder may have removed the file between open and lock: then this lock is on a file
                // without a name.
                if Self.isFile(raw, at: path) {
                    self.path = path
                    self.descriptor = candidate
                    return
                }
            case .failure(let error):
                guard error == .wouldBlock else { throw error }
                guard MonotonicTime.now < deadline else { throw error }
                // Held for milliseconds, at start and stop only; flock has no timeout.
                usleep(1000)
            }
        }
    }

    deinit {
        // Removed while still locked, so that a waiter on this file detects the removal.
        _ = unlink(path)
    }

    private static func isFile(_ descriptor: CInt, at path: String) -> Bool {
        var opened = stat()
        var named = stat()
        return fstat(descriptor, &opened) == 0 && lstat(path, &named) == 0 && opened.st_dev == named.st_dev
            && opened.st_ino == named.st_ino
    }
}
