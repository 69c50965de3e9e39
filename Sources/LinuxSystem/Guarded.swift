import Glibc

/// A value that one thread at a time gets at.
///
/// What `Mutex` of the standard library is, on a POSIX mutex: ThreadSanitizer sees that one, and not into the other, so
/// that it would report as a race what is none. C counterpart: `pthread_mutex_lock(3)`.
public struct Guarded<Value>: ~Copyable, @unchecked Sendable {
    // The pointers are constant, and what `value` points to is touched under the mutex only.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let value: UnsafeMutablePointer<Value>

    /// Guards a value, which nobody else has from now on.
    public init(_ initial: consuming sending Value) {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        value = .allocate(capacity: 1)
        value.initialize(to: initial)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
        value.deinitialize(count: 1)
        value.deallocate()
    }

    /// Runs a closure on the value while no other thread does; waits until that is so. Not to be nested.
    public borrowing func withLock<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value.pointee)
    }
}
