internal import CDMATrace
public import DMADev
internal import DMAEngine
internal import Glibc
internal import GroupTable
internal import LinuxSystem
public import Logging
internal import SystemPackage

/// The engines and the memory that processes share which do not trust each other: a control socket, and an engine behind
/// it.
///
/// Each connection is a device of the application that made it. The controller stops with ``stop()`` or with its last
/// reference, and leaves nothing behind; whoever is connected then finds its device halted. C counterpart: none; it is
/// what DMA hardware and its IOMMU are to a process.
public final class DMAController: ReportingController {
    /// The path of the control socket.
    public let path: String

    private let stopEvent: StopEvent
    private let reports: ReportDesk
    private let shared: SharedStatistics
    private let thread: SystemThread
    private let isJoined = Locked(false)
    private let pid: Int32

    /// Starts a controller.
    ///
    /// - Parameters:
    ///   - path: of the control socket, in a directory that nobody else can write to; it is made, with mode 0711, when it
    ///     is not there. A dead socket is replaced.
    ///   - logger: gets starts, stops and trouble with applications, never what they sent; none by default
    ///   - configuration: limits, socket mode and quotas.
    /// - Throws: ``ControllerError``; nothing is left behind then.
    public static func start(
        path: String, configuration: ControllerConfiguration = ControllerConfiguration(), logger: Logger? = nil
    ) throws(ControllerError) -> DMAController {
        try configuration.validate()
        let groups = try groupTable(configuration)
        let place = try makeSocket(
            path: path, mode: configuration.socketMode, group: configuration.socketGroup)
        // A connection has its socket, its process and its bell; some users may have descriptors waiting to be closed.
        DescriptorLimit.raise(
            to: UInt64(configuration.maximumConnections) * 3 + UInt64(ControllerLoop.maximumBacklog) * 4 + 128)
        // Never the bootstrapped default: what to do with messages is the program's decision.
        let logger = logger ?? Logger(label: "dmascope.controller") { _ in SwiftLogNoOpLogHandler() }
        return try DMAController(place: place, configuration: configuration, groups: groups, logger: logger)
    }

    private static func groupTable(_ configuration: ControllerConfiguration) throws(ControllerError) -> AccessGroupTable
    {
        let limits = AccessGroupLimits(
            groupCount: configuration.accessGroupCount, groupsPerUser: configuration.quota.groups,
            windowsPerUser: configuration.quota.windows, waitingJoins: min(configuration.maximumConnections, 4096))
        do throws(Errno) {
            return try AccessGroupTable(limits: limits)
        } catch {
            throw ControllerError(
                "cannot lock the memory for the tokens of \(limits.groupCount) access groups: \(error). Raise the limit of "
                    + "locked memory (RLIMIT_MEMLOCK), or configure fewer groups")
        }
    }

    private init(
        place: consuming ListeningSocket, configuration: ControllerConfiguration, groups: sending AccessGroupTable,
        logger: Logger
    ) throws(ControllerError) {
        dmatrace_load()
        path = place.path
        pid = getpid()
        do throws(Errno) {
            let stopEvent = try StopEvent()
            let shared = SharedStatistics()
            let reports = try ReportDesk(controllerID: configuration.controllerID)
            self.stopEvent = stopEvent
            self.reports = reports
            self.shared = shared
            thread = try Self.startThread(place, configuration, groups, stopEvent, reports, shared, logger)
        } catch {
            throw ControllerError("cannot start the controller: \(error)")
        }
        logger.info("controller serves", metadata: ["path": "\(path)"])
    }

    /// The loop belongs to its thread alone; it removes the socket, here too when it does not come to life.
    private static func startThread(
        _ place: consuming ListeningSocket, _ configuration: ControllerConfiguration,
        _ groups: sending AccessGroupTable, _ stopEvent: StopEvent, _ reports: ReportDesk, _ shared: SharedStatistics,
        _ logger: Logger
    ) throws(Errno) -> SystemThread {
        let engine = try Engine(name: "dma-controller", isSharedWithProcesses: true)
        let loop = try ControllerLoop(
            place: place, configuration: configuration, groups: groups, engine: engine, stopEvent: stopEvent,
            reports: reports, shared: shared, logger: logger)
        return try SystemThread.start(name: "dma-control") { loop.run() }
    }

    /// What the controller has and has done.
    public var statistics: ControllerStatistics { shared.statistics.withLock { $0 } }

    /// Who is connected, who is in which group, and who has moved what. Asked from the control thread, which answers
    /// between two requests; of a controller that was stopped, what was in the end.
    public func report() -> ControllerReport {
        reports.ask()
    }

    /// Stops the controller: takes everything from everybody, removes the socket, and waits for the thread to end.
    ///
    /// Any thread may call it, any number of times.
    public func stop() {
        // A child has neither the thread nor a say.
        guard getpid() == pid else { return }
        stopEvent.event.signal()
        isJoined.withLock { isJoined in
            if !isJoined { thread.join() }
            isJoined = true
        }
    }

    deinit {
        stop()
    }
}

/// What a controller has at the moment, and what it has done since it was started.
public struct ControllerStatistics: Sendable, Equatable {
    /// Connections, which is devices.
    public var connections = 0
    /// Rings that the engine serves.
    public var rings = 0
    /// Registered memory regions.
    public var windows = 0
    /// Bytes of them and of rings, in whole pages, as their users are charged.
    public var memoryBytes: UInt64 = 0
    /// Access groups.
    public var groups = 0
    /// Members of all access groups: a domain counts in each group that it is in.
    public var members = 0
    /// Times that a domain joined a group that another one had made.
    public var joins: UInt64 = 0
    /// Tries to join that were refused because of a wrong token or a group that is not there.
    public var deniedJoins: UInt64 = 0
    /// Connections that were accepted, and those of them that are closed.
    public var accepted: UInt64 = 0, closed: UInt64 = 0
    /// Connections that were refused: too many, or no resources.
    public var refusedConnections: UInt64 = 0
    /// Requests that were refused.
    public var refusedRequests: UInt64 = 0
    /// Messages that violate the protocol; each closes its connection.
    public var invalidMessages: UInt64 = 0
    /// Connections and requests refused, and connections ended, because a quota of a user, or a table, is full.
    public var quotaRefusals: UInt64 = 0

    /// Nothing yet.
    public init() {}
}

/// How others see the statistics of the control thread.
final class SharedStatistics: Sendable {
    let statistics = Locked(ControllerStatistics())
}

/// Tells the control thread to end.
final class StopEvent: Sendable {
    let event: EventDescriptor

    init() throws(Errno) {
        event = try EventDescriptor()
    }
}

extension ControllerConfiguration {
    func validate() throws(ControllerError) {
        guard (1...1024).contains(maximumVirtualChannelCount) else {
            throw ControllerError("\(maximumVirtualChannelCount) virtual channels: 1 to 1024 are possible")
        }
        guard (1...32768).contains(maximumDescriptorCount),
            (1...maximumDescriptorCount).contains(minimumDescriptorCount)
        else {
            throw ControllerError(
                "\(minimumDescriptorCount) to \(maximumDescriptorCount) descriptors: rings have 1 to 32768")
        }
        guard maximumEntryCount <= 64 else {
            throw ControllerError("\(maximumEntryCount) entries of a list: 0 to 64 are possible")
        }
        guard (1...32767).contains(accessGroupCount) else {
            throw ControllerError("\(accessGroupCount) access groups: 1 to 32767 are possible")
        }
        guard maximumConnections >= 1 else { throw ControllerError("no connection at all: 1 is possible at least") }
    }
}
