internal import LinuxSystem
public import SystemPackage

/// An engine whose doorbells other processes ring.
extension Engine {
    /// Wakes at each signal of an eventfd, which is watched edge-triggered and never read: whoever holds a copy of it can
    /// wake the engine, and can do nothing else to it.
    ///
    /// - Parameter event: to be given to ``unwatch(_:)`` before it is closed: copies in other processes would keep it
    ///   watched.
    /// - Throws: EINVAL for an engine that is not shared with processes; what `epoll_ctl` said.
    public func watch(_ event: CInt) throws(Errno) {
        guard let descriptors = bellDescriptors else { throw Errno.invalidArgument }
        try descriptors.poller.add(event, [.readable, .edgeTriggered], token: 0)
    }

    /// Ends ``watch(_:)``.
    public func unwatch(_ event: CInt) {
        // It fails only for what is not watched.
        try? bellDescriptors?.poller.remove(event)
    }
}
