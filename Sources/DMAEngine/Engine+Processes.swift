internal import LinuxSystem
public import SystemPackage

/// Doorbells from other processes, and announcements for them.
extension Engine {
    /// Wakes the engine at each signal of an eventfd, which is watched edge-triggered and never read: a process with a
    /// copy of it can wake the engine, but cannot block it.
    ///
    /// - Parameter event: pass it to ``unwatch(_:)`` before closing it: copies in other processes would keep it
    ///   watched.
    /// - Throws: EINVAL for an engine that is not shared with processes; errors of `epoll_ctl`.
    public func watch(_ event: CInt) throws(Errno) {
        guard let descriptors = bellDescriptors else { throw Errno.invalidArgument }
        try descriptors.poller.add(event, [.readable, .edgeTriggered], token: 0)
    }

    /// Ends ``watch(_:)``.
    public func unwatch(_ event: CInt) {
        // It fails only for a descriptor that is not watched.
        try? bellDescriptors?.poller.remove(event)
    }

    /// As `watch(_:until:_:)`, for a ring that another process waits for.
    package func watch(
        _ ring: EngineRing, until target: UInt64, announcingTo list: RingAnnouncements, as name: RingAnnouncements.Ring
    ) -> Bool {
        watch(ring, until: target, .list(list, name))
    }
}
