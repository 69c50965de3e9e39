import Glibc
import SystemPackage

/// A file descriptor with one owner, closed when the owner is destroyed.
///
/// May move between threads. Use `raw` only while the owner exists, and never close it.
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
        // An error of close cannot be handled here, and EINTR must not be retried.
        _ = Glibc.close(raw)
    }

    /// Releases the descriptor without closing it.
    public consuming func release() -> CInt {
        let raw = self.raw
        discard self
        return raw
    }
}
