import CLinux
import Glibc
public import SystemPackage

/// A POSIX thread that runs one closure, for loops that must not borrow a thread from a pool.
///
/// It starts with every signal blocked except those that report a fault of its own (SIGSEGV, SIGBUS, SIGFPE, SIGILL),
/// so that a process's signals reach the threads that wait for them. C counterpart: `pthread_create(3)`.
public struct SystemThread: Sendable {
    // A number that any thread may use, good until join or detach.
    private let handle: pthread_t

    /// Starts a thread.
    ///
    /// - Parameters:
    ///   - name: what `top -H` and `ps -L` show; cut to 15 bytes.
    ///   - body: what the thread runs; from then on it alone has what this holds.
    /// - Throws: `EAGAIN` when the system has no thread left.
    public static func start(
        name: String, _ body: sending @escaping () -> Void
    ) throws(Errno) -> SystemThread {
        let box = Unmanaged.passRetained(Body(name: name, run: body))
        var mask = sigset_t()
        var previous = sigset_t()
        sigfillset(&mask)
        for signal in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT] { sigdelset(&mask, signal) }
        // The new thread inherits the mask: no signal can slip in before it is set.
        pthread_sigmask(SIG_SETMASK, &mask, &previous)
        var handle = pthread_t()
        let result = pthread_create(&handle, nil, enter, box.toOpaque())
        pthread_sigmask(SIG_SETMASK, &previous, nil)
        guard result == 0 else {
            box.release()
            throw Errno(rawValue: result)
        }
        return SystemThread(handle: handle)
    }

    /// Whether this is the thread that asks. Not after ``join()`` or ``detach()``. C counterpart: `pthread_equal(3)`.
    public var isCurrent: Bool { pthread_equal(handle, pthread_self()) != 0 }

    /// Waits until the closure has returned. Call it once, from another thread. C counterpart: `pthread_join(3)`.
    public func join() {
        pthread_join(handle, nil)
    }

    /// Lets the thread end by itself, when nobody is to wait for it. Call it once, in place of ``join()``; the thread
    /// itself may. C counterpart: `pthread_detach(3)`.
    public func detach() {
        pthread_detach(handle)
    }

    private final class Body {
        let name: String
        let run: () -> Void

        init(name: String, run: @escaping () -> Void) {
            self.name = name
            self.run = run
        }
    }

    // A function of its own: a closure handed to pthread_create from main.swift would be taken for the main actor's.
    private static let enter: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        guard let argument else { return nil }
        let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
        _ = clinux_set_thread_name(String(decoding: body.name.utf8.prefix(15), as: UTF8.self))
        body.run()
        return nil
    }
}
