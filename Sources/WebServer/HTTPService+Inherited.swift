import HummingbirdCore
import LinuxSystem
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

extension HTTPService {
    /// Serves on a socket that a service manager has opened, which stays open there, until the graceful shutdown of the group.
    func run(on listener: CInt) async throws {
        let (connections, logger, gracePeriod) = (connections, logger, Self.gracePeriod)
        let server = try await ServerBootstrap(group: Self.threads)
            .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .bind(listener) { connections.setup(channel: $0, logger: logger) }
        CloseOnExec.setAll()
        if let local = server.channel.localAddress { logger.warnIfReachable(local, as: address) }
        onListening(address.location)
        try await server.executeThenClose { clients in
            await withTaskGroup(of: Void.self) { group in
                do {
                    for try await client in clients.cancelOnGracefulShutdown() {
                        group.addTask { await connections.handle(value: client, logger: logger) }
                    }
                } catch {
                    logger.error("HTTP takes no more clients", metadata: ["error": "\(error)"])
                }
                // Those that are answered at the moment.
                group.addTask { try? await Task.sleep(for: gracePeriod) }
                await group.next()
                group.cancelAll()
            }
        }
    }
}
