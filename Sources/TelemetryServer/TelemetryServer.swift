import Glibc
import LinuxSystem
import Logging
import SystemPackage
import TelemetryWire

/// A telemetry v2 server inside this process: one thread, one socket, a table of commands.
///
/// ```swift
/// let server = try TelemetryServer.start(filePrefix: "x", commands: table)
/// ```
///
/// It works with DPDK's and dmascope's clients. It adds its own commands (`/`, `/info`, `/help`, `/telemetry/…`) to the
/// table. It stops with `stop()` or with its last reference, and removes its socket.
///
/// After `fork` the child has no server: it should `exec`, or close the descriptors that it does not need.
public final class TelemetryServer: Sendable {
    /// The maximum length of a reply, in bytes, as in the greeting. A longer reply becomes null.
    public static let maximumOutputLength = 131_072

    /// Options of a server.
    public struct Configuration: Sendable {
        /// The program's name and version, for the greeting.
        public var version = DmascopeVersion.text
        /// Maximum number of clients; more are refused.
        public var maximumClients = 4096
        /// Limit for all unread replies together, in bytes. A client whose reply would exceed it is disconnected.
        public var maximumPendingBytes = 4 << 20
        /// Whether the server may raise the process's soft limit of descriptors when clients need it.
        public var raisesDescriptorLimit = true

        /// The defaults.
        public init() {}
    }

    /// The path of the socket.
    public let path: String

    private let stopSignal: StopSignal
    private let thread: SystemThread
    private let isJoined = Locked(false)
    private let pid: Int32

    /// Starts a server. Any thread may call it.
    ///
    /// - Parameters:
    ///   - filePrefix: the run directory's name; `:1`, `:2`… are appended to the socket's name if others use the prefix
    ///     too
    ///   - commands: the commands in addition to the server's own
    ///   - directory: the root of all run directories; by default the same as DPDK's
    ///   - access: who may use the server; by default this user and the superuser
    ///   - logger: receives starts, stops and problems with clients; none by default
    ///   - configuration: limits.
    /// - Throws: `TelemetryServerError`; no file remains then.
    public static func start(
        filePrefix: String = "dmascope", commands: [TelemetryCommand], in directory: TelemetryRunDirectory = .standard,
        access: TelemetryAccess = TelemetryAccess(), configuration: Configuration = Configuration(),
        logger: Logger? = nil
    ) throws(TelemetryServerError) -> TelemetryServer {
        let table = try CommandTable(commands)
        // Not the bootstrapped default: the program decides whether the library logs.
        let logger = logger ?? Logger(label: "dmascope.telemetry") { _ in SwiftLogNoOpLogHandler() }
        let listener = try makeSocket(filePrefix: filePrefix, in: directory, access, logger: logger)
        return try TelemetryServer(
            listener: listener, table: table, access: access, configuration: configuration, logger: logger)
    }

    /// Starts a server on a listening socket, for example one that a service manager has opened; otherwise like
    /// ``start(filePrefix:commands:in:access:configuration:logger:)``. The mode and the group of the socket stay as they are.
    public static func start(
        on listener: consuming ListeningSocket, commands: [TelemetryCommand],
        access: TelemetryAccess = TelemetryAccess(), configuration: Configuration = Configuration(), logger: Logger
    ) throws(TelemetryServerError) -> TelemetryServer {
        let table = try CommandTable(commands)
        return try TelemetryServer(
            listener: listener, table: table, access: access, configuration: configuration, logger: logger)
    }

    private init(
        listener: consuming ListeningSocket, table: CommandTable, access: TelemetryAccess,
        configuration: Configuration, logger: Logger
    ) throws(TelemetryServerError) {
        path = listener.path
        pid = getpid()
        do throws(Errno) {
            let signal = try StopSignal()
            stopSignal = signal
            thread = try Self.startThread(
                listener: listener,
                state: ServerState(table: table, access: access, configuration: configuration, pid: pid),
                stopSignal: signal, logger: logger)
        } catch {
            throw TelemetryServerError(.system, "cannot start the telemetry server: \(error)", errno: error)
        }
        logger.info("telemetry server started", metadata: ["path": "\(path)"])
    }

    /// The loop belongs to its thread. Its deinitializer removes the socket, also if the thread cannot be started.
    private static func startThread(
        listener: consuming ListeningSocket, state: sending ServerState, stopSignal: StopSignal, logger: Logger
    ) throws(Errno) -> SystemThread {
        let loop = try ServerLoop(listener: listener, state: state, stopSignal: stopSignal, logger: logger)
        return try SystemThread.start(name: "telemetry") { loop.run() }
    }

    /// Stops the server: closes all clients, removes the socket, and waits for the thread to end.
    ///
    /// Any thread may call it, any number of times. If a command's handler calls it, it does not wait.
    public func stop() {
        guard getpid() == pid else { return }
        stopSignal.raise()
        guard !thread.isCurrent else { return }
        isJoined.withLock { isJoined in
            if !isJoined { thread.join() }
            isJoined = true
        }
    }

    deinit {
        guard getpid() == pid else { return }
        stopSignal.raise()
        isJoined.withLock { isJoined in
            if isJoined { return }
            // A handler may hold the last reference; a thread cannot wait for itself.
            if thread.isCurrent { thread.detach() } else { thread.join() }
        }
    }
}

/// The request that the server's thread end.
final class StopSignal: Sendable {
    private let event: EventDescriptor

    init() throws(Errno) {
        event = try EventDescriptor()
    }

    var descriptor: CInt { event.raw }

    func raise() { event.signal() }
}
