import LinuxSystem

/// Limits the number of simultaneous streams.
final class ViewerLimit: Sendable {
    /// One of the permitted streams. The slot is free again when its last reference is released, however the stream ended.
    final class Slot: Sendable {
        private let owner: ViewerLimit

        fileprivate init(_ owner: ViewerLimit) { self.owner = owner }

        deinit { owner.used.withLock { $0 -= 1 } }
    }

    let limit: Int
    private let used = Locked(0)

    init(limit: Int) {
        self.limit = limit
    }

    /// Reserves a slot; `nil` when all are in use.
    func reserve() -> Slot? {
        let isFree = used.withLock { used in
            guard used < limit else { return false }
            used += 1
            return true
        }
        return isFree ? Slot(self) : nil
    }
}
