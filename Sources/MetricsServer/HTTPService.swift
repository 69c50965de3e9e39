import Dispatch
import Hummingbird
import HummingbirdCore
import LinuxSystem
public import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import SystemPackage

/// A small HTTP server with a table of routes, on one thread.
///
/// Any thread may start and stop it, but no task: both wait, for tasks that need the threads which tasks share. The
/// process's signals stay with the program.
public final class HTTPService: Sendable {
    /// Where it listens: `http://127.0.0.1:9876`, with the real port, or `unix:PATH`.
    public let location: String

    private let group: ServiceGroup
    private let threads: MultiThreadedEventLoopGroup
    private let progress: Progress
    private let place: UnixSocketPlace?
    private let socket: FileIdentity?

    /// More clients wait in the backlog.
    private static let maximumConnections = 256
    /// What clients may take to receive what they were promised before the server ended.
    private static let gracePeriod = Duration.seconds(1)

    /// Starts a server, and returns when it listens.
    ///
    /// - Throws: when the address is taken (``HTTPServiceError/isAddressTaken``), or none of this machine. Nothing is left
    ///   behind then.
    public static func start(
        _ address: ListenAddress, routes: [HTTPRoute], logger: Logger
    ) throws(HTTPServiceError) -> HTTPService {
        var place: UnixSocketPlace?
        if case .unix(let path) = address { place = try UnixSocketPlace(path) }
        let progress = Progress()
        // The singleton would have a thread for each processor.
        let threads = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let group = serviceGroup(bindAddress(address, place), routes, threads, logger, progress)
        Task.detached {
            do {
                try await group.run()
                progress.end(nil)
            } catch {
                progress.end(error)
            }
        }
        var socket: FileIdentity?
        do {
            let local = try progress.waitUntilRunning()
            socket = try place?.publish()
            return HTTPService(location(address, local), group, threads, progress, place, socket)
        } catch {
            place?.removeDirectory()
            stop(group, threads, progress)
            if let error = error as? HTTPServiceError { throw error }
            let errno = (error as? IOError).map { Errno(rawValue: $0.errnoCode) }
            throw HTTPServiceError(
                "cannot listen on \(address): \(errno.map { "\($0)" } ?? "\(error)")", errno: errno)
        }
    }

    private init(
        _ location: String, _ group: ServiceGroup, _ threads: MultiThreadedEventLoopGroup, _ progress: Progress,
        _ place: UnixSocketPlace?,
        _ socket: FileIdentity?
    ) {
        self.location = location
        self.group = group
        self.threads = threads
        self.progress = progress
        self.place = place
        self.socket = socket
    }

    /// Takes no more requests, answers those it has, and returns when the server has ended. Call it once.
    public func stop() {
        place?.remove(socket)
        Self.stop(group, threads, progress)
    }

    private static func stop(_ group: ServiceGroup, _ threads: MultiThreadedEventLoopGroup, _ progress: Progress) {
        Task.detached { await group.triggerGracefulShutdown() }
        progress.waitForEnd()
        // It has nothing to do any more, so this cannot fail.
        try? threads.syncShutdownGracefully()
    }

    private static func serviceGroup(
        _ address: BindAddress, _ routes: [HTTPRoute], _ threads: MultiThreadedEventLoopGroup, _ logger: Logger,
        _ progress: Progress
    ) -> ServiceGroup {
        let router = Router(options: .autoGenerateHeadEndpoints)
        for route in routes {
            router.get(RouterPath(route.path)) { request, context in try await route.handler(request, context) }
        }
        let application = Application(
            router: router, server: .http1(configuration: .init(idleTimeout: .seconds(120))),
            configuration: ApplicationConfiguration(
                address: address,
                availableConnectionsDelegate: MaximumAvailableConnections(maximumConnections, logger: logger)),
            onServerRunning: { progress.run($0.localAddress) },
            eventLoopGroupProvider: .shared(threads), logger: logger)
        var configuration = ServiceGroupConfiguration(services: [application], logger: logger)
        configuration.maximumGracefulShutdownDuration = gracePeriod
        return ServiceGroup(configuration: configuration)
    }

    private static func bindAddress(_ address: ListenAddress, _ place: UnixSocketPlace?) -> BindAddress {
        switch address {
        case .tcp(let host, let port): .hostname(host, port: port)
        case .unix(let path): .unixDomainSocket(path: place?.workPath ?? path)
        }
    }

    private static func location(_ address: ListenAddress, _ local: SocketAddress?) -> String {
        switch address {
        case .tcp(let host, let port): "http://\(ListenAddress.tcp(host: host, port: local?.port ?? port))"
        case .unix: "\(address)"
        }
    }
}

/// Tells the one who starts and stops a server how far it is.
private final class Progress: Sendable {
    private struct State {
        var address: SocketAddress?
        var failure: (any Error)?
    }

    private let state = Locked(State())
    private let isRunning = DispatchSemaphore(value: 0)
    private let hasEnded = DispatchSemaphore(value: 0)

    func run(_ address: SocketAddress?) {
        state.withLock { $0.address = address }
        isRunning.signal()
    }

    func end(_ failure: (any Error)?) {
        state.withLock { $0.failure = failure }
        isRunning.signal()
        hasEnded.signal()
    }

    func waitUntilRunning() throws -> SocketAddress? {
        isRunning.wait()
        return try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.address
        }
    }

    func waitForEnd() {
        hasEnded.wait()
    }
}
