import LinuxSystem
import TelemetryWire

extension ServerCommand {
    /// The maximum number of rows, so that the reply is not too long.
    private static let listedClients = 1024

    /// `/telemetry/clients`: the connected clients.
    static let clients = ServerCommand(
        path: "/telemetry/clients",
        help: "Returns the connected clients: process, user and group, requests, seconds since the connection,"
            + " bytes of unread replies. Takes no parameters"
    ) { state, _ in
        let now = MonotonicTime.now
        var list = JSONValue.array()
        for client in state.clients.all.prefix(listedClients) {
            var object = JSONValue.object()
            object.set("pid", client.peer?.pid ?? -1)
            object.set("uid", client.peer.map { Int64($0.uid) } ?? -1)
            object.set("gid", client.peer.map { Int64($0.gid) } ?? -1)
            object.set("requests", client.requestCount)
            object.set("connected_seconds", now.nanoseconds(since: client.connected) / 1_000_000_000)
            object.set("pending_bytes", client.pending?.count ?? 0)
            list.append(object)
        }
        var reply = JSONValue.object()
        reply.set("count", state.clients.count)
        reply.set("clients", list)
        return reply
    }
}
