internal import CDMATrace
public import DMADev
internal import DMAEngine
internal import Glibc
internal import GroupTable
public import LinuxSystem
public import Logging
internal import SystemPackage

/// A DMA engine for processes that do not trust each other: they connect through a control socket, and the engine
/// copies between their memory.
///
/// Each connection is a device of the application that made it. The controller stops with ``stop()`` or with its last
/// reference, and leaves nothing behind; the devices of connected applications are halted then. C counterpart: none; it
/// replaces DMA hardware and its IOMMU.
public final class DMAController: ReportingController {
    /// The path of the control socket.
    public let path: String
    /// Every event of the access groups, also after a stop. Any thread; never waits for the control thread.
    public let groupEvents: GroupEventLog

    private let stopEvent: StopEvent
    let published = PublishedState()
    private let controllerID: UInt16
    private let arrivals: GuestArrivals
    private let ping: LoopPing
    private let thread: SystemThread
    /// `nil` after the stop.
    private let engine: Locked<Engine?>
    private let isJoined = Locked(false)
    private let pid: Int32

    /// Starts a controller.
    ///
    /// - Parameters:
    ///   - path: of the control socket, in a directory that no other user can write to; a missing directory is created
    ///     with mode 0711. A stale socket is replaced.
    ///   - logger: for starts, stops and errors of applications, never what they sent; default: no messages.
    ///   - configuration: limits, socket mode and quotas.
    /// - Throws: ``ControllerError``; nothing is left behind then.
    public static func start(
        path: String, configuration: ControllerConfiguration = ControllerConfiguration(), logger: Logger? = nil
    ) throws(ControllerError) -> DMAController {
        try configuration.validate()
        return try start(configuration, logger) { () throws(ControllerError) in
            try makeSocket(path: path, mode: configuration.socketMode, group: configuration.socketGroup)
        }
    }

    /// Starts a controller on a listening socket, for example one that a service manager has opened.
    ///
    /// - Throws: ``ControllerError``; the socket is closed then.
    public static func start(
        on socket: consuming ListeningSocket, configuration: ControllerConfiguration = ControllerConfiguration(),
        logger: Logger? = nil
    ) throws(ControllerError) -> DMAController {
        try configuration.validate()
        var socket: ListeningSocket? = consume socket
        return try start(configuration, logger) { () throws(ControllerError) in
            guard let socket = socket.take() else { throw ControllerError("a socket serves one controller") }
            return socket
        }
    }

    private static func start(
        _ configuration: ControllerConfiguration, _ logger: Logger?,
        _ makePlace: () throws(ControllerError) -> ListeningSocket
    ) throws(ControllerError) -> DMAController {
        let groups = try groupTable(configuration)
        let domains = try OSDomainTable(configuration.osDomains)
        let place = try makePlace()
        // Three per connection: socket, process, doorbell. More for descriptors of users that are not closed yet.
        DescriptorLimit.raise(
            to: UInt64(configuration.maximumConnections) * 3 + UInt64(ControllerLoop.maximumBacklog) * 4 + 128)
        // Not the bootstrapped default: only the program decides where messages go.
        let logger = logger ?? Logger(label: "dmascope.controller") { _ in SwiftLogNoOpLogHandler() }
        return try DMAController(
            place: place, configuration: configuration, groups: groups, domains: domains, logger: logger)
    }

    private static func groupTable(_ configuration: ControllerConfiguration) throws(ControllerError) -> AccessGroupTable
    {
        let limits = AccessGroupLimits(
            groupCount: configuration.accessGroupCount, groupsPerTenant: configuration.quota.groups,
            windowsPerTenant: configuration.quota.windows, waitingJoins: min(configuration.maximumConnections, 4096))
        do throws(Errno) {
            return try AccessGroupTable(limits: limits)
        } catch {
            throw ControllerError(
                "cannot lock memory for the tokens of \(limits.groupCount) access groups: \(error). Raise the limit of "
                    + "locked memory (RLIMIT_MEMLOCK), or configure fewer groups")
        }
    }

    private init(
        place: consuming ListeningSocket, configuration: ControllerConfiguration, groups: sending AccessGroupTable,
        domains: OSDomainTable, logger: Logger
    ) throws(ControllerError) {
        dmatrace_load()
        path = place.path
        groupEvents = groups.log
        controllerID = configuration.controllerID
        arrivals = domains.arrivals
        pid = getpid()
        do throws(Errno) {
            let stopEvent = try StopEvent()
            self.stopEvent = stopEvent
            let ping = try LoopPing()
            self.ping = ping
            let engine = try Engine(name: "dma-controller", isSharedWithProcesses: true)
            self.engine = Locked(engine)
            thread = try Self.startThread(
                place, configuration, groups, domains, engine, stopEvent, ping, published, logger)
        } catch {
            throw ControllerError("cannot start the controller: \(error)")
        }
        logger.info("controller started", metadata: ["path": "\(path)"])
    }

    /// Only the new thread uses the loop. The loop removes the socket, also when the start fails here.
    private static func startThread(
        _ place: consuming ListeningSocket, _ configuration: ControllerConfiguration,
        _ groups: sending AccessGroupTable, _ domains: OSDomainTable, _ engine: Engine, _ stopEvent: StopEvent,
        _ ping: LoopPing, _ published: PublishedState, _ logger: Logger
    ) throws(Errno) -> SystemThread {
        let loop = try ControllerLoop(
            place: place, configuration: configuration, groups: groups, domains: domains, engine: engine,
            stopEvent: stopEvent, ping: ping, published: published, logger: logger)
        return try SystemThread.start(name: "dma-control") { loop.run() }
    }

    /// Connects a process of another operating system: it gets a device, as a process does that connects to ``path``. Its
    /// memory is the domain's, by offset: neither side sends descriptors, except that the answer to its greeting carries
    /// the doorbell. Any thread; never waits for the control thread.
    ///
    /// Connections of an earlier session of the domain end first, and this one waits until nothing of their memory is in use.
    /// The controller refuses it with a message on the socket, for example for a quota; it closes the socket when it no
    /// longer uses any memory of the connection.
    ///
    /// - Parameters:
    ///   - socket: a connected socket with message boundaries. Whoever has the other end speaks for the process, and is
    ///     trusted to read its end; the connection ends with it.
    ///   - domain: the name in ``ControllerConfiguration/osDomains``.
    ///   - process: of which it is one device.
    /// - Throws: ``ControllerError`` for an unknown domain, or after a stop. The socket is closed.
    public func connect(
        _ socket: consuming OwnedDescriptor, domain: String, process: GuestProcess
    ) throws(ControllerError) {
        guard arrivals.knows(domain) else {
            throw ControllerError("\(domain) is no operating system of this controller's configuration")
        }
        guard arrivals.add(socket, domain: domain, process: process) else {
            throw ControllerError("the controller at \(path) is stopped")
        }
    }

    /// A snapshot of the controller's current counts and totals. Any thread.
    public var statistics: ControllerStatistics { published.statistics }

    /// Reports the connections, the members of each group, and the work of each. Any thread; never waits for the control
    /// thread, whose answers to requests are sent after their effects are in the report. After a stop: the last report.
    public func report() -> ControllerReport {
        published.report(controllerID: controllerID, path: path)
    }

    /// The work of the controller's engine; none after a stop. Any thread; does not wait for the control thread.
    public var engines: [EngineReport] { engine.withLock { $0 }.map { [$0.report] } ?? [] }

    /// Whether the control thread takes events within that time. One thread at a time may call it.
    public func answers(within timeout: Duration) -> Bool { ping.isAnswered(within: timeout) }

    /// Stops the controller: disconnects all applications, removes the socket, and waits for the thread to end.
    ///
    /// Any thread may call it, any number of times.
    public func stop() {
        // A forked child does not have the thread and must not stop the parent's.
        guard getpid() == pid else { return }
        stopEvent.event.signal()
        isJoined.withLock { isJoined in
            if !isJoined { thread.join() }
            isJoined = true
        }
        let last = engine.withLock { engine in
            defer { engine = nil }
            return engine
        }
        // Released without the lock: its end waits for its thread.
        withExtendedLifetime(last) {}
    }

    deinit {
        stop()
    }
}

/// A controller's current counts, and its totals since the start.
public struct ControllerStatistics: Sendable, Equatable {
    /// Open connections; each is one device.
    public var connections = 0
    /// Rings that the engine serves.
    public var rings = 0
    /// Registered memory regions.
    public var windows = 0
    /// Bytes of registered memory and rings as charged to their users, in whole pages.
    public var memoryBytes: UInt64 = 0
    /// Existing access groups.
    public var groups = 0
    /// Members of all access groups: a domain counts once in each of its groups.
    public var members = 0
    /// Successful joins to a group that another domain has created.
    public var joins: UInt64 = 0
    /// Joins refused because of a wrong token or a group that does not exist.
    public var deniedJoins: UInt64 = 0
    /// Accepted connections, and how many of them are closed.
    public var accepted: UInt64 = 0, closed: UInt64 = 0
    /// Refused connections: too many, or no resources.
    public var refusedConnections: UInt64 = 0
    /// Requests answered with an error, for any reason.
    public var refusedRequests: UInt64 = 0
    /// Messages that violate the protocol; each closes its connection.
    public var invalidMessages: UInt64 = 0
    /// Connections and requests refused, and connections ended, because a user's quota is used up or a table is full.
    public var quotaRefusals: UInt64 = 0
    /// Maps of devices that were published to the engine: one for each member of a group that has changed.
    public var publishedMaps: UInt64 = 0
    /// Quiescent points of the engine that were requested.
    public var quiescentPoints: UInt64 = 0
    /// Bytes of tables and reports that were built because groups have changed.
    public var rebuiltBytes: UInt64 = 0

    /// All counts are 0.
    public init() {}
}

/// Signals the control thread to end.
final class StopEvent: Sendable {
    let event: EventDescriptor

    init() throws(Errno) {
        event = try EventDescriptor()
    }
}

extension ControllerConfiguration {
    func validate() throws(ControllerError) {
        guard (1...1024).contains(maximumVirtualChannelCount) else {
            throw ControllerError("\(maximumVirtualChannelCount) virtual channels: the allowed range is 1 to 1024")
        }
        guard (1...32768).contains(maximumDescriptorCount),
            (1...maximumDescriptorCount).contains(minimumDescriptorCount)
        else {
            throw ControllerError(
                "\(minimumDescriptorCount) to \(maximumDescriptorCount) descriptors: a ring can have 1 to 32768")
        }
        guard maximumEntryCount <= 64 else {
            throw ControllerError("\(maximumEntryCount) entries of a list: the allowed range is 0 to 64")
        }
        guard (1...32767).contains(accessGroupCount) else {
            throw ControllerError("\(accessGroupCount) access groups: the allowed range is 1 to 32767")
        }
        guard maximumConnections >= 1 else {
            throw ControllerError("\(maximumConnections) connections: at least 1 is needed")
        }
    }
}
