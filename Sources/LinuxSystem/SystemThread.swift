import CLinux
import Glibc
public import SystemPackage

/// A POSIX thread that runs one closure, for loops that must not occupy a pool thread.
///
/// It starts with all signals blocked except synchronous faults (SIGSEGV, SIGBUS, SIGFPE, SIGILL), so that the
/// process's signals are delivered to the threads that wait for them. C counterpart: `pthread_create(3)`.
public struct SystemThread: Sendable {
    // An ID that any thread may use, valid until join or detach.
    private let handle: pthread_t

    /// Starts a thread.
    ///
    /// - Parameters:
    ///   - name: shown by `top -H` and `ps -L`; truncated to 15 bytes.
    ///   - body: runs on the thread; its captured values are transferred to the thread.
    /// - Throws: `EAGAIN` at the system's thread limit.
    public static func start(
        name: String, _ body: sending @escaping () -> Void
    ) throws(Errno) -> SystemThread {
        let box = Unmanaged.passRetained(Body(name: name, run: body))
        var mask = sigset_t()
        var previous = sigset_t()
        sigfillset(&mask)
        for signal in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT] { sigdelset(&mask, signal) }
        // The new thread inherits the mask, so no signal is delivered before it is set.
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

    /// The calling thread; it need not have been started here. Neither ``join()`` nor ``detach()`` may be called.
    /// C counterpart: `pthread_self(3)`.
    public static var current: SystemThread { SystemThread(handle: pthread_self()) }

    /// Whether this is the calling thread. Do not call it after ``join()`` or ``detach()``. C counterpart:
    /// `pthread_equal(3)`.
    public var isCurrent: Bool { pthread_equal(handle, pthread_self()) != 0 }

    /// Lets the thread run on these processors, whatever mask it has inherited. Those that the cgroup of the process does
    /// not allow are left out. C counterpart: `pthread_setaffinity_np(3)`.
    ///
    /// - Throws: `EINVAL` if the cgroup allows none of them.
    public func run(on processors: ProcessorSet) throws(Errno) {
        let result = clinux_set_processors(handle, processors.words, processors.words.count)
        guard result == 0 else { throw Errno(rawValue: result) }
    }

    /// The processors that the thread may run on. C counterpart: `pthread_getaffinity_np(3)`.
    public var processors: ProcessorSet {
        get throws(Errno) {
            var words = ProcessorSet.all.words
            let result = clinux_get_processors(handle, &words, words.count)
            guard result == 0 else { throw Errno(rawValue: result) }
            return ProcessorSet(words: words)
        }
    }

    /// Sleeps of the calling thread with a time limit end within some microseconds of it, not up to 50 µs later.
    /// C counterpart: `PR_SET_TIMERSLACK` of `prctl(2)`.
    public static func sleepExactly() { _ = clinux_set_timer_slack(1) }

    /// Waits until the closure has returned. Call it once, from another thread. C counterpart: `pthread_join(3)`.
    public func join() {
        pthread_join(handle, nil)
    }

    /// Releases the thread's resources at its end, without a wait. Call it once, instead of ``join()``, from any
    /// thread. C counterpart: `pthread_detach(3)`.
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

    // A separate function: a closure passed to pthread_create from main.swift would be isolated to the main actor.
    private static let enter: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        guard let argument else { return nil }
        let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
        _ = clinux_set_thread_name(String(decoding: body.name.utf8.prefix(15), as: UTF8.self))
        body.run()
        return nil
    }
}
