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
/// Clients are DPDK's or dmascope's. The server adds its own commands (`/`, `/info`, `/help`, `/telemetry/…`) and knows
/// no others. It stops with `stop()` or with its last reference, and leaves nothing behind.
///
/// After `fork` the child has no server: it should `exec` or close the descriptors it does not want.
public final class TelemetryServer: Sendable {
    /// The longest reply, in bytes, as the greeting announces it. What outgrows it becomes null.
    public static let maximumOutputLength = 131_072

    /// How a server differs from the usual.
    public struct Configuration: Sendable {
        /// What the greeting says; the program's name and version.
        public var version = DmascopeVersion.text
        /// Clients beyond this number are turned away.
        public var maximumClients = 4096
        /// All replies together that wait for clients to read them, in bytes. The client whose reply would exceed it is
        /// cut off.
        public var maximumPendingBytes = 4 << 20
        /// Whether the process's limit of descriptors (the soft one) may be raised when clients need it.
        public var raisesDescriptorLimit = true

        /// The usual.
        public init() {}
    }

    /// The path of the socket.
    public let path: String

    private let stopSignal: StopSignal
    private let thread: SystemThread
    private let isJoined = Locked(false)
    private let pid: Int32

    /// Starts a server.
    ///
    /// - Parameters:
    ///   - filePrefix: names the run directory; `:1`, `:2`… are appended to the socket when others have the prefix too
    ///   - commands: what the server answers beside its own commands
    ///   - directory: the root of all run directories; DPDK's choice unless given
    ///   - logger: gets starts, stops and trouble with clients; none by default
    /// - Throws: `TelemetryServerError`; nothing is left behind then.
    public static func start(
        filePrefix: String = "dmascope", commands: [TelemetryCommand], in directory: TelemetryRunDirectory = .standard,
        configuration: Configuration = Configuration(), logger: Logger? = nil
    ) throws(TelemetryServerError) -> TelemetryServer {
        let table = try CommandTable(commands)
        // Never the bootstrapped default: what to do with messages is the program's decision.
        let logger = logger ?? Logger(label: "dmascope.telemetry") { _ in SwiftLogNoOpLogHandler() }
        let place = try makeSocket(filePrefix: filePrefix, in: directory, logger: logger)
        return try TelemetryServer(place: place, table: table, configuration: configuration, logger: logger)
    }

    private init(
        place: consuming ListeningSocket, table: CommandTable, configuration: Configuration, logger: Logger
    ) throws(TelemetryServerError) {
        path = place.path
        pid = getpid()
        do throws(Errno) {
            let signal = try StopSignal()
            stopSignal = signal
            thread = try Self.startThread(
                place: place, state: ServerState(table: table, configuration: configuration, pid: pid),
                stopSignal: signal, logger: logger)
        } catch {
            throw TelemetryServerError(.system, "cannot start the telemetry server: \(error)", errno: error)
        }
        logger.info("telemetry serves", metadata: ["path": "\(path)"])
    }

    /// The loop belongs to its thread alone; it removes the socket, here too when it does not come to life.
    private static func startThread(
        place: consuming ListeningSocket, state: sending ServerState, stopSignal: StopSignal, logger: Logger
    ) throws(Errno) -> SystemThread {
        let loop = try ServerLoop(place: place, state: state, stopSignal: stopSignal, logger: logger)
        return try SystemThread.start(name: "telemetry") { loop.run() }
    }

    /// Stops the server: closes all clients, removes the socket, and waits for the thread to end.
    ///
    /// Any thread may call it, any number of times. A command's handler may, too; then nothing is waited for.
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
            // A handler may hold the last reference; its own thread cannot wait for itself.
            if thread.isCurrent { thread.detach() } else { thread.join() }
        }
    }
}

/// Tells the server's thread to end.
final class StopSignal: Sendable {
    private let event: EventDescriptor

    init() throws(Errno) {
        event = try EventDescriptor()
    }

    var descriptor: CInt { event.raw }

    func raise() { event.signal() }
}
