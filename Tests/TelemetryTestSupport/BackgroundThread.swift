import Glibc

/// A thread for one closure: what blocks in a test must not block the threads that run the tests.
public final class BackgroundThread: Sendable {
    private let handle: pthread_t

    /// Starts the thread.
    public init(_ body: @escaping @Sendable () -> Void) {
        var handle = pthread_t()
        let box = Unmanaged.passRetained(Box(body))
        let error = pthread_create(
            &handle, nil,
            { argument in
                if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, box.toOpaque())
        precondition(error == 0, "a test cannot start a thread: \(error)")
        self.handle = handle
    }

    /// Waits for its end. Once.
    public func join() { pthread_join(handle, nil) }

    private final class Box: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}
