import LinuxSystem

/// One connected client, as the server's thread sees it.
final class ClientConnection {
    let socket: OwnedDescriptor
    /// Who connected; `nil` when the kernel did not say.
    let peer: PeerCredentials?
    let connected: MonotonicTime
    var requestCount: UInt64 = 0
    /// The reply that the client has not made room for. While there is one, nothing more is read from this client, so
    /// there is never a second one.
    var pending: [UInt8]?

    init(socket: consuming OwnedDescriptor) {
        let owned = socket
        self.peer = try? PeerCredentials(of: owned)
        self.socket = owned
        self.connected = .now
    }
}

/// The clients by slot; a slot's number is the client's token in the poller.
struct ClientTable {
    private var slots: [ClientConnection?] = []
    private var free: [Int] = []

    var count: Int { slots.count - free.count }

    /// All clients, in the order of their slots.
    var all: some Sequence<ClientConnection> { slots.lazy.compactMap { $0 } }

    subscript(slot: Int) -> ClientConnection? {
        slots.indices.contains(slot) ? slots[slot] : nil
    }

    mutating func insert(_ client: ClientConnection) -> Int {
        if let slot = free.popLast() {
            slots[slot] = client
            return slot
        }
        slots.append(client)
        return slots.count - 1
    }

    mutating func remove(_ slot: Int) {
        guard slots.indices.contains(slot), slots[slot] != nil else { return }
        slots[slot] = nil
        free.append(slot)
    }
}
