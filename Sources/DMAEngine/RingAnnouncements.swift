package import LinuxSystem
package import SystemPackage

/// The rings that engines have announced to one thread, which polls for ``event``. For watches of other processes.
package final class RingAnnouncements: Sendable {
    /// A ring, as the watcher names it.
    package struct Ring: Sendable, Hashable {
        package let connection: UInt64
        package let vchan: UInt16

        package init(connection: UInt64, vchan: UInt16) {
            self.connection = connection
            self.vchan = vchan
        }
    }

    /// Signalled after each announcement; to be watched edge-triggered.
    package let event: EventDescriptor
    /// No more than the watches that were made since they were last taken.
    private let rings = Locked<[Ring]>([])

    package init() throws(Errno) {
        event = try EventDescriptor()
    }

    /// Adds a ring. Never waits for the lock.
    ///
    /// - Returns: `false` when another thread has the lock: try again later.
    func add(_ ring: Ring) -> Bool {
        guard rings.withLock(within: .zero, { $0.append(ring) }) != nil else { return false }
        event.signal()
        return true
    }

    /// Takes all rings.
    package func take() -> [Ring] {
        rings.withLock { rings in
            defer { rings = [] }
            return rings
        }
    }
}
