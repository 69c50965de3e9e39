import HummingbirdCore
import LinuxSystem
import Logging
import NIOCore
import NIOHTTP1

/// A connection of HTTP/1.1 with a ``ConnectionGuard``.
struct GuardedHTTPChannel: ServerChildChannel {
    let http: HTTP1Channel
    let seats: Seats

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        http.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            try pipeline.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { CloseOnExec.set($0) }
            let observer = ConnectionGuard(seats)
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandler(observer, position: .after(decoder))
            try pipeline.addHandler(ByteObserver(observer), position: .first)
            return value
        }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await http.handle(value: value, logger: logger)
    }
}
