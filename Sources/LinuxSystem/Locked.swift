import CLinux
import Glibc

/// A value guarded by a pthread mutex; for control calls.
///
/// Not `Synchronization.Mutex`: under contention its lock passes between threads inside the system's library and the
/// kernel, which ThreadSanitizer cannot observe, so that it reports each transfer as a race. It can observe pthread
/// mutexes.
public final class Locked<Value>: @unchecked Sendable {
    // The mutex guards the value; both keep their addresses until the object is deallocated.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let value: UnsafeMutablePointer<Value>

    /// Starts unlocked.
    public init(_ value: sending Value) {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        self.value = .allocate(capacity: 1)
        self.value.initialize(to: value)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
        value.deinitialize(count: 1)
        value.deallocate()
    }

    /// Runs `body` with the lock held; it must not lock the same value again.
    public func withLock<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value.pointee)
    }

    /// Runs `body` with the lock held, unless another thread holds it too long.
    ///
    /// - Parameters:
    ///   - timeout: the longest time to wait for the lock.
    ///   - body: must not lock the same value again.
    /// - Returns: `nil` after that time: `body` was not run.
    public func withLock<Result, Failure: Error>(
        within timeout: Duration, _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        let end = MonotonicTime.now.advanced(by: timeout).nanoseconds
        var deadline = timespec(
            tv_sec: Int(clamping: end / 1_000_000_000), tv_nsec: Int(end % 1_000_000_000))
        guard clinux_mutex_lock_until(mutex, &deadline) == 0 else { return nil }
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value.pointee)
    }
}
