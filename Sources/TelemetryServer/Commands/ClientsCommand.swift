import LinuxSystem
import TelemetryWire

extension ServerCommand {
    /// The maximum number of rows, so that the reply is not too long.
    private static let listedClients = 1024

    /// `/telemetry/clients`: the connected clients.
    static let clients = ServerCommand(
        path: "/telemetry/clients",
        help: "Returns the connected clients: process, user and group, requests, seconds since the connection,"
            + " bytes of unread replies, right (read, reset, control), requests that used more than read. Takes no parameters"
    ) { state, _ in
        let now = MonotonicTime.now
        var list = JSONValue.array()
        for client in state.clients.all.prefix(listedClients) {
            var object = JSONValue.object()
            object.set("pid", client.peer.pid)
            object.set("uid", Int64(client.peer.uid))
            object.set("gid", Int64(client.peer.gid))
            object.set("requests", client.requestCount)
            object.set("connected_seconds", now.nanoseconds(since: client.connected) / 1_000_000_000)
            object.set("pending_bytes", client.pending?.count ?? 0)
            object.set("right", client.right.rawValue)
            object.set("privileged_requests", client.privilegedCount)
            list.append(object)
        }
        var reply = JSONValue.object()
        reply.set("count", state.clients.count)
        reply.set("clients", list)
        return reply
    }
}
