import Glibc

/// Ctrl-C ends the run between two rounds, so that servers, recording sessions and files are removed.
enum Interruption {
    static func prepare() {
        for number in [SIGINT, SIGTERM] { signal(number) { _ in wasInterrupted = 1 } }
    }

    static func check() throws(Failure) {
        guard wasInterrupted == 0 else { throw Failure("interrupted") }
    }

    static var isSeen: Bool { wasInterrupted != 0 }
}

/// Written only by the signal handler; reads of the word are atomic.
nonisolated(unsafe) private var wasInterrupted: sig_atomic_t = 0
