import Glibc
import SystemPackage

/// A file descriptor with one owner, closed when the owner goes.
///
/// May move between threads. Whoever uses `raw` must not outlive the owner, and must not close it.
public struct OwnedDescriptor: ~Copyable, Sendable {
    /// The number of the descriptor.
    public let raw: CInt

    /// Takes over an open descriptor.
    public init(adopting raw: CInt) {
        self.raw = raw
    }

    /// The descriptor for calls of swift-system.
    public var descriptor: FileDescriptor { FileDescriptor(rawValue: raw) }

    deinit {
        // An error of close says nothing that could be acted upon here, and EINTR must not be retried.
        _ = Glibc.close(raw)
    }

    /// Gives up the descriptor without closing it.
    public consuming func release() -> CInt {
        let raw = self.raw
        discard self
        return raw
    }
}
