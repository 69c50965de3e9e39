import Glibc
import LinuxSystem
import SystemPackage

/// The server's thread.
struct ServerThread: Sendable {
    private let handle: pthread_t

    /// Runs `body` on a new thread, which takes none of the process's signals.
    init(_ body: sending @escaping () -> Void) throws(Errno) {
        let box = Unmanaged.passRetained(Body(body))
        // A new thread inherits the mask of its maker: signals stay with the threads that the program gave them to.
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        var handle = pthread_t()
        let error = pthread_create(
            &handle, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        guard error == 0 else {
            box.release()
            throw Errno(rawValue: error)
        }
        self.handle = handle
    }

    /// Whether this is the thread that asks.
    var isCurrent: Bool { pthread_equal(handle, pthread_self()) != 0 }

    /// Waits for the thread to end. Once, and not on the thread itself.
    func join() { pthread_join(handle, nil) }

    /// Lets the thread end by itself.
    func detach() { pthread_detach(handle) }

    private final class Body {
        let run: () -> Void

        init(_ run: @escaping () -> Void) { self.run = run }
    }
}
