import Glibc

/// A value behind a pthread mutex; for control calls.
///
/// Not `Synchronization.Mutex`: where threads contend for that one, the lock changes hands inside the system's library
/// and the kernel, out of ThreadSanitizer's sight, which then reports each hand-over as a race. This one it knows.
public final class Locked<Value>: @unchecked Sendable {
    // The mutex guards the value; both stay where they are until the last reference goes.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let value: UnsafeMutablePointer<Value>

    /// A value, unlocked.
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

    /// Runs `body` alone; it must not lock the same value again.
    public func withLock<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value.pointee)
    }
}
