internal import LinuxSystem

/// One connection of a session, with its local socket.
final class Connection {
    let number: UInt32
    /// The poller's token of its socket.
    let token: UInt64
    /// Whether this side has opened it. The other side, which has the local service, says when it has ended.
    let isOpener: Bool
    /// `nil`: the local end is closed.
    var socket: OwnedDescriptor?
    /// The service is told to close its end: nothing is sent to it any more, and what it sends is dropped.
    var isShutDown = false
    /// Its session has ended.
    var isForgotten = false

    init(number: UInt32, token: UInt64, isOpener: Bool, socket: consuming OwnedDescriptor) {
        self.number = number
        self.token = token
        self.isOpener = isOpener
        self.socket = consume socket
    }
}
