import Glibc
import HummingbirdCore
import LinuxSystem
public import Logging
public import MetricsExporter
import NIOCore
import NIOPosix
public import ServiceLifecycle
import SystemPackage

/// A small HTTP server with a table of routes, on one thread: a service of a `ServiceGroup`.
///
/// It installs no signal handlers; the owner of the group does.
public struct HTTPService: Service {
    let address: ListenAddress
    let logger: Logger
    let onListening: @Sendable (String) -> Void
    private let socketMode: UInt16
    private let socketGroup: UInt32?
    private let allowedNames: [String]
    private let routes: [HTTPRoute]
    private let statistics: WebStatistics
    /// The listening socket of a service manager; `nil`: ``run()`` makes one.
    private let inherited: CInt?

    /// One thread for all servers of the process, never shut down: NIO's singleton group has one thread for each processor,
    /// and Hummingbird may schedule work on the thread after the server has ended.
    static let threads = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    /// A further client gets the place of the connection that has waited longest; see ``Seats``.
    static let maximumConnections = 256
    /// The time at shutdown in which clients can receive responses that are in progress.
    static let gracePeriod = Duration.seconds(1)

    /// Opens nothing before ``run()``.
    ///
    /// - Parameters:
    ///   - statistics: counts the requests to the routes.
    ///   - inherited: the socket of a service manager at that address, instead of one of this service.
    ///   - onListening: called once, when clients can connect, with the location: `http://127.0.0.1:9876`, with the actual
    ///     port, or `unix:PATH`.
    ///   - address: where to listen.
    ///   - socketMode: the permissions of a Unix socket; connecting needs write.
    ///   - socketGroup: the group ID of a Unix socket; `nil`: the group of the process.
    ///   - allowedNames: names in `Host` that are answered, in addition to IP addresses and the names of this machine.
    ///     Requests with another name get status 421: any web site could make its own name resolve to this machine and
    ///     read the answers.
    ///   - logger: receives starts, stops and errors.
    ///   - routes: the paths that are served.
    public init(
        _ address: ListenAddress, socketMode: UInt16 = 0o600, socketGroup: UInt32? = nil,
        allowedNames: [String] = [], routes: [HTTPRoute],
        statistics: WebStatistics = WebStatistics(), inherited: consuming InheritedSocket? = nil, logger: Logger,
        onListening: @escaping @Sendable (_ location: String) -> Void = { _ in }
    ) {
        self.address = address
        self.socketMode = socketMode
        self.socketGroup = socketGroup
        self.allowedNames = allowedNames
        self.routes = routes
        self.statistics = statistics
        switch consume inherited {
        case .some(let socket): self.inherited = socket.takeDescriptor().release()
        case .none: self.inherited = nil
        }
        self.logger = logger
        self.onListening = onListening
    }

    /// Calls `body` on the thread of all servers, after what it does at the moment: a sign that it works.
    public static func afterCurrentWork(_ body: @escaping @Sendable () -> Void) {
        for thread in threads.makeIterator() { thread.execute(body) }
    }

    /// Serves until the graceful shutdown of the group. It then accepts no more requests, answers those in progress, and
    /// returns.
    ///
    /// - Throws: ``HTTPServiceError`` when the address is in use (``HTTPServiceError/isAddressTaken``) or is no address of
    ///   this machine. No socket or directory remains then.
    public func run() async throws {
        if let inherited { return try await run(on: inherited) }
        var socketLocation: UnixSocketLocation?
        if case .unix(let path) = address { socketLocation = try UnixSocketLocation(path, socketMode, socketGroup) }
        let (bound, boundAddresses) = AsyncStream.makeStream(of: SocketAddress?.self)
        let opening = Opening(
            address: address, socketLocation: socketLocation, bound: bound, logger: logger, onListening: onListening)
        // The opening ends first: the socket's file is removed while the server answers the last requests.
        var configuration = ServiceGroupConfiguration(
            services: [
                .init(service: server(socketLocation) { boundAddresses.yield($0) }),
                .init(service: opening, serviceName: "opening"),
            ], logger: logger)
        configuration.maximumGracefulShutdownDuration = Self.gracePeriod
        var failure: (any Error)?
        do { try await ServiceGroup(configuration: configuration).run() } catch { failure = error }
        socketLocation?.removeDirectory()
        // Connections that are closed at shutdown are no failure.
        guard let failure, !opening.hasEnded.withLock({ $0 }) else { return }
        if failure is HTTPServiceError || failure is CancellationError { throw failure }
        let errno = (failure as? IOError).map { Errno(rawValue: $0.errnoCode) }
        throw HTTPServiceError("cannot listen on \(address): \(errno.map { "\($0)" } ?? "\(failure)")", errno: errno)
    }

    private func server(
        _ socketLocation: UnixSocketLocation?, _ onRunning: @escaping @Sendable (SocketAddress?) -> Void
    ) -> some Service {
        let bind: BindAddress =
            switch address {
            case .tcp(ListenAddress.everyHost, let port): .hostname(Self.wildcardAddress, port: port)
            case .tcp(let host, let port): .hostname(host, port: port)
            case .unix(let path): .unixDomainSocket(path: socketLocation?.workPath ?? path)
            }
        return Server(
            childChannelSetup: connections, configuration: ServerConfiguration(address: bind),
            onServerRunning: { onRunning($0.localAddress) }, eventLoopGroup: Self.threads, logger: logger)
    }

    /// What handles the connections of one listening socket.
    var connections: GuardedHTTPChannel {
        let table = RouteTable(
            routes, rules: RequestRules(hosts: HostRule(address, allowedNames)), statistics: statistics)
        let http = HTTP1Channel(
            responder: { [logger] request, writer, _ in
                let response = await table.response(to: request, logger)
                try await writer.write(response: response.head, body: response.body)
            }, configuration: HTTP1Channel.Configuration(idleTimeout: .seconds(120)))
        return GuardedHTTPChannel(http: http, seats: Seats(maximum: Self.maximumConnections))
    }

    /// A socket of IPv6 also takes connections of IPv4; a kernel without IPv6 has no such file.
    private static var wildcardAddress: String { access("/proc/net/if_inet6", F_OK) == 0 ? "::" : "0.0.0.0" }
}

/// Publishes the server's socket once it listens, and removes it before the server ends.
private final class Opening: Service {
    let hasEnded = Locked(false)
    private let address: ListenAddress
    private let socketLocation: UnixSocketLocation?
    private let bound: AsyncStream<SocketAddress?>
    private let logger: Logger
    private let onListening: @Sendable (String) -> Void

    init(
        address: ListenAddress, socketLocation: UnixSocketLocation?, bound: AsyncStream<SocketAddress?>,
        logger: Logger, onListening: @escaping @Sendable (String) -> Void
    ) {
        self.address = address
        self.socketLocation = socketLocation
        self.bound = bound
        self.logger = logger
        self.onListening = onListening
    }

    func run() async throws {
        var socket: SocketFile?
        for await local in bound.cancelOnGracefulShutdown() {
            // The HTTP library sets the flag neither of its sockets nor of its pollers.
            CloseOnExec.setAll()
            socket = try socketLocation?.publish()
            switch address {
            case .tcp(let host, let port):
                let actual = ListenAddress.tcp(host: host, port: local?.port ?? port)
                if let local { logger.warnIfReachable(local, as: actual) }
                onListening(actual.location)
            case .unix: onListening(address.location)
            }
        }
        hasEnded.withLock { $0 = Task.isShuttingDownGracefully }
        socket.take()?.remove()
    }
}

extension Logger {
    func warnIfReachable(_ local: SocketAddress, as address: ListenAddress) {
        guard !local.isLoopback else { return }
        warning(
            "other machines can reach the live page and the metrics: there are neither passwords nor TLS",
            metadata: ["address": "\(address)"])
    }
}

extension SocketAddress {
    /// Whether only processes of this machine can connect.
    var isLoopback: Bool {
        switch self {
        case .v4: ipAddress?.hasPrefix("127.") == true
        case .v6: ipAddress == "::1" || ipAddress?.hasPrefix("::ffff:127.") == true
        case .unixDomainSocket: true
        }
    }
}
