import Hummingbird
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
/// The process's signals stay with whoever runs the group.
public struct HTTPService: Service {
    private let address: ListenAddress
    private let routes: [HTTPRoute]
    private let statistics: WebStatistics
    private let logger: Logger
    private let listens: @Sendable (String) -> Void

    /// One thread for the servers of a process, as long as it lives: the singleton would have one for each processor, and
    /// what Hummingbird does at its end may come to the thread after the server has ended.
    private static let threads = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    /// More clients wait in the backlog.
    private static let maximumConnections = 256
    /// What clients may take to receive what they were promised before the server ended.
    private static let gracePeriod = Duration.seconds(1)

    /// A server that does not run yet.
    ///
    /// - Parameters:
    ///   - statistics: counts the requests to the routes.
    ///   - listens: is called once, when clients can come, with where: `http://127.0.0.1:9876`, which has the real port,
    ///     or `unix:PATH`.
    public init(
        _ address: ListenAddress, routes: [HTTPRoute], statistics: WebStatistics = WebStatistics(), logger: Logger,
        listens: @escaping @Sendable (_ location: String) -> Void = { _ in }
    ) {
        self.address = address
        self.routes = routes
        self.statistics = statistics
        self.logger = logger
        self.listens = listens
    }

    /// Serves until the graceful shutdown of the group: takes no more requests then, answers those it has, and returns.
    ///
    /// - Throws: ``HTTPServiceError`` when the address is taken (``HTTPServiceError/isAddressTaken``), or none of this
    ///   machine. Nothing is left behind then.
    public func run() async throws {
        var place: UnixSocketPlace?
        if case .unix(let path) = address { place = try UnixSocketPlace(path) }
        let (bound, tell) = AsyncStream.makeStream(of: SocketAddress?.self)
        let opening = Opening(address: address, place: place, bound: bound, listens: listens)
        // The opening ends first: nobody finds the server any more while it answers the last ones.
        var configuration = ServiceGroupConfiguration(
            services: [
                .init(service: application(place) { tell.yield($0) }),
                .init(service: opening, serviceName: "opening"),
            ], logger: logger)
        configuration.maximumGracefulShutdownDuration = Self.gracePeriod
        var failure: (any Error)?
        do { try await ServiceGroup(configuration: configuration).run() } catch { failure = error }
        place?.removeDirectory()
        // Clients that are cut off at the end are no failure.
        guard let failure, !opening.hasEnded.withLock({ $0 }) else { return }
        if failure is HTTPServiceError || failure is CancellationError { throw failure }
        let errno = (failure as? IOError).map { Errno(rawValue: $0.errnoCode) }
        throw HTTPServiceError("cannot listen on \(address): \(errno.map { "\($0)" } ?? "\(failure)")", errno: errno)
    }

    private func application(
        _ place: UnixSocketPlace?, _ runs: @escaping @Sendable (SocketAddress?) -> Void
    ) -> some Service {
        let router = Router(options: .autoGenerateHeadEndpoints)
        for route in routes {
            let handler = measured(route)
            router.get(RouterPath(route.path)) { request, context in try await handler(request, context) }
        }
        let bind: BindAddress =
            switch address {
            case .tcp(let host, let port): .hostname(host, port: port)
            case .unix(let path): .unixDomainSocket(path: place?.workPath ?? path)
            }
        return Application(
            router: router, server: .http1(configuration: .init(idleTimeout: .seconds(120))),
            configuration: ApplicationConfiguration(
                address: bind,
                availableConnectionsDelegate: MaximumAvailableConnections(Self.maximumConnections, logger: logger)),
            onServerRunning: { runs($0.localAddress) },
            eventLoopGroupProvider: .shared(Self.threads), logger: logger)
    }

    private func measured(_ route: HTTPRoute) -> HTTPRoute.Handler {
        { [statistics] request, context in
            let start = MonotonicTime.now
            var status = HTTPResponse.Status.internalServerError
            defer {
                statistics.count(
                    path: route.path, status: status.code, nanoseconds: MonotonicTime.now.nanoseconds(since: start))
            }
            let response = try await route.handler(request, context)
            status = response.status
            return response
        }
    }
}

/// Gives the server its place once it listens, and takes it away before the server ends.
private final class Opening: Service {
    let hasEnded = Locked(false)
    private let address: ListenAddress
    private let place: UnixSocketPlace?
    private let bound: AsyncStream<SocketAddress?>
    private let listens: @Sendable (String) -> Void

    init(
        address: ListenAddress, place: UnixSocketPlace?, bound: AsyncStream<SocketAddress?>,
        listens: @escaping @Sendable (String) -> Void
    ) {
        self.address = address
        self.place = place
        self.bound = bound
        self.listens = listens
    }

    func run() async throws {
        var socket: SocketFile?
        for await local in bound.cancelOnGracefulShutdown() {
            socket = try place?.publish()
            switch address {
            case .tcp(let host, let port): listens("http://\(ListenAddress.tcp(host: host, port: local?.port ?? port))")
            case .unix: listens("\(address)")
            }
        }
        hasEnded.withLock { $0 = Task.isShuttingDownGracefully }
        socket.take()?.remove()
    }
}
