import LinuxSystem
import TelemetryWire

/// One connected client. Only the server's thread uses it. As ``ServerState``, not checked for exclusive access.
final class ClientConnection {
    let socket: OwnedDescriptor
    /// The client's credentials.
    let peer: PeerCredentials
    /// What it may do.
    let right: TelemetryRight
    let connected: MonotonicTime
    @exclusivity(unchecked) var requestCount: UInt64 = 0
    /// Its requests that needed more than the right to read, and had it.
    var privilegedCount: UInt64 = 0
    /// A reply that did not fit into the client's socket buffer. While there is one, no further request of the client
    /// is read, so there is never a second one.
    @exclusivity(unchecked) var pending: [UInt8]?

    init(socket: consuming OwnedDescriptor, peer: PeerCredentials, right: TelemetryRight) {
        self.socket = socket
        self.peer = peer
        self.right = right
        self.connected = .now
    }
}

/// The clients by slot. A client's poller token is its slot plus `Token.firstClient`.
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
