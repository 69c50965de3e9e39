import NIOCore
import NIOHTTP1

/// Guards one connection: its seat, the deadline for the head of a request, and heads with several `Host` fields. Adapts
/// responses to clients of HTTP/1.0.
///
/// It stands behind the decoder of HTTP. All functions run on the connection's event loop.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// The time from the first byte of a request to the end of its head.
    static let headDeadline = TimeAmount.seconds(5)

    private let seats: Seats
    private var context: ChannelHandlerContext?
    private var deadline: Scheduled<Void>?
    /// A request is in progress.
    private var isBusy = false
    /// The client's version is below 1.1: it cannot read chunks, so the end of the connection is the end of a response
    /// without a length.
    private var isOld = false
    /// The connection is closed after the present response.
    private var isLast = false
    /// The connection is being closed: what comes is ignored.
    private var isRefused = false

    init(_ seats: Seats) {
        self.seats = seats
    }

    func channelActive(context: ChannelHandlerContext) {
        seats.take(context.channel)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        seats.giveBack(context.channel)
        context.fireChannelInactive()
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { seats.take(context.channel) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    /// Bytes have arrived, which may be the first of a head.
    func bytesArrived() {
        guard !isBusy, !isRefused, deadline == nil, let context else { return }
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: Self.headDeadline) { [self] in
            guard let context = self.context else { return }
            refuse(context, .requestTimeout, "the head of a request must arrive within 5 s\n")
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        if case .head(let head) = unwrapInboundIn(data) {
            deadline?.cancel()
            deadline = nil
            isBusy = true
            isOld = isOld || head.version.major < 1 || head.version == .http1_0
            seats.set(context.channel, isWaiting: false)
            guard head.headers["host"].count <= 1 else {
                return refuse(context, .badRequest, "a request has one Host\n")
            }
        }
        context.fireChannelRead(data)
    }

    /// A method that the decoder does not know is not allowed; other errors of the decoder are the server's.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard (error as? HTTPParserError) == .invalidMethod, !isRefused else { return context.fireErrorCaught(error) }
        refuse(context, .methodNotAllowed, RequestRules.methods, allow: true)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where isOld && !head.headers.contains(name: "Content-Length"):
            isLast = true
            head.version = .http1_0
            head.headers.replaceOrAdd(name: "Connection", value: "close")
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end where isLast:
            let written = promise ?? context.eventLoop.makePromise()
            written.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
            context.write(data, promise: written)
        case .end:
            isBusy = false
            seats.set(context.channel, isWaiting: true)
            context.write(data, promise: promise)
        case .head, .body:
            context.write(data, promise: promise)
        }
    }

    /// A client that does not read its response waits like one that sends no request.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if isBusy { seats.set(context.channel, isWaiting: !context.channel.isWritable) }
        context.fireChannelWritabilityChanged()
    }

    private func refuse(
        _ context: ChannelHandlerContext, _ status: HTTPResponseStatus, _ text: String, allow: Bool = false
    ) {
        isRefused = true
        deadline?.cancel()
        var headers: HTTPHeaders = [
            "Content-Type": "text/plain; charset=utf-8", "Content-Length": "\(text.utf8.count)", "Connection": "close",
        ]
        if allow { headers.add(name: "Allow", value: RequestRules.allowed) }
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.close(promise: nil)
    }
}

/// Tells a ``ConnectionGuard`` of bytes, in front of the decoder.
final class ByteObserver: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let observer: ConnectionGuard

    init(_ observer: ConnectionGuard) {
        self.observer = observer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        observer.bytesArrived()
        context.fireChannelRead(data)
    }
}
