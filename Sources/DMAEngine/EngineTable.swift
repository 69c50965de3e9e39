internal import LinuxSystem

/// A table that control threads replace, one at a time, while an engine reads it without a lock.
///
/// A published table never changes, and is freed only after the engine has passed a quiescent point. Its owner calls
/// ``deallocate()``.
struct EngineTable<Element: BitwiseCopyable>: @unchecked Sendable {
    // `published` is atomic, and what it points to never changes.
    struct Contents {
        var count: Int
        var elements: UnsafeMutablePointer<Element>
    }

    private let published: UnsafeMutablePointer<UInt64>

    /// An empty table.
    init() {
        published = .allocate(capacity: 1)
        published.initialize(to: UInt64(UInt(bitPattern: Self.contents([]))))
    }

    func deallocate() {
        Self.free(current)
        published.deallocate()
    }

    /// The current elements; for the engine's thread until its next quiescent point, and for control threads.
    @inline(__always)
    var contents: Contents { current.pointee }

    /// Publishes other elements.
    ///
    /// - Returns: the earlier table.
    func replace(with elements: [Element]) -> RetiredTable {
        let old = current
        published.storeReleasing(UInt64(UInt(bitPattern: Self.contents(elements))))
        return RetiredTable(UInt(bitPattern: old)) { old in
            // The address of a table, as above.
            Self.free(UnsafeMutablePointer(bitPattern: old).unsafelyUnwrapped)
        }
    }

    @inline(__always)
    private var current: UnsafeMutablePointer<Contents> {
        // It always holds the address of a table: `init` stores the first.
        UnsafeMutablePointer(bitPattern: UInt(published.loadAcquiring())).unsafelyUnwrapped
    }

    private static func contents(_ elements: [Element]) -> UnsafeMutablePointer<Contents> {
        let copy = UnsafeMutablePointer<Element>.allocate(capacity: max(elements.count, 1))
        copy.initialize(from: elements, count: elements.count)
        let contents = UnsafeMutablePointer<Contents>.allocate(capacity: 1)
        contents.initialize(to: Contents(count: elements.count, elements: copy))
        return contents
    }

    private static func free(_ contents: UnsafeMutablePointer<Contents>) {
        contents.pointee.elements.deallocate()
        contents.deallocate()
    }
}

/// A table that an engine may still read. Release it when the engine has passed a quiescent point.
public final class RetiredTable: Sendable {
    private let address: UInt
    private let free: @Sendable (UInt) -> Void

    fileprivate init(_ address: UInt, _ free: @escaping @Sendable (UInt) -> Void) {
        self.address = address
        self.free = free
    }

    deinit {
        free(address)
    }
}
