import ArgumentParser
import CommandSupport
import CopyCommands
import DMAController
import DMADev
import DMATelemetry
import DeviceDrivers
import DomainBroker
import LinuxSystem
import Logging
import MetricsExporter
import ServiceLifecycle
import TelemetryServer
import WebServer

/// `dmascope serve`
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve DMA devices, telemetry and metrics until Ctrl-C.",
        discussion: """
            Creates and starts the devices, and answers telemetry clients: dmascope's other commands and DPDK's \
            dpdk-telemetry.py. HTTP shows these devices and those of every other process with a telemetry socket: a \
            live page for browsers, whose address is printed, and /metrics for Prometheus and other scrapers. The \
            process is also a controller: other processes use it with --device controller,socket=PATH, with the path \
            that is printed. Processes of virtual machines use it too: --os-domain names the memory and the channel that \
            this machine shares with a guest; serve in the guest passes on what its \
            processes send. The first SIGINT, SIGTERM, SIGHUP or SIGQUIT ends it in order, a second one immediately.

            DEVICES: a driver, then keys, for example software,name=dma0,vchans=8
            \(DriverTable.help)
            """)

    @Option(
        help: ArgumentHelp(
            "A device to create; may be repeated. The default is two software devices, dma0 and dma1.",
            valueName: "driver[,key=value]…"),
        transform: DeviceSpecification.argument)
    var device: [DeviceSpecification] = []

    @Option(
        help: ArgumentHelp("The DPDK file prefix: the name of the telemetry socket's directory.", valueName: "prefix"))
    var filePrefix = "dmascope"

    @OptionGroup var web: WebOptions

    @OptionGroup var sources: SourceOptions

    @Flag(help: "Do not run a controller for other processes.")
    var noController = false

    @Option(
        help: ArgumentHelp(
            "A guest whose processes may use the controller: its name, the file of its ivshmem memory, and the Unix socket of "
                + "its virtio port; may be repeated.", valueName: "name=name,memory=path,channel=path"))
    var osDomain: [OSDomainOption] = []

    @Option(
        help: ArgumentHelp(
            "In a guest: serve its processes by the host's controller, over this memory and channel. The default in a guest "
                + "with a virtio port named \(BrokerPlace.portName): that port, and its ivshmem device.",
            valueName: "memory=path,channel=path"))
    var broker: BrokerOption?

    @Option(
        help: ArgumentHelp(
            "The group whose users may connect to the controller, by name or number. The default is this process's "
                + "group.", valueName: "group"))
    var controllerGroup: String?

    @OptionGroup var rights: RightsOptions

    @Option(
        help: """
            Whose processes share the controller's quotas and turns: those of one user, or of one control group (cgroup \
            v2), for containers that all run as the same user.
            """)
    var tenantBy = TenantKind.user

    @Flag(
        help: """
            Let device priorities order the devices of all users of the controller. By default users take turns, and \
            priorities order the devices of one user.
            """)
    var globalPriorities = false

    @Option(
        help: ArgumentHelp(
            "An exporter whose dma-bufs other processes may map, besides system (the dma-heap) and udmabuf; may be "
                + "repeated. One whose calls block delays only the processes of the user who maps its dma-bufs.",
            valueName: "exporter"))
    var exporter: [String] = []

    @Option(help: "What the devices do: nothing, or copies of 64 B to 64 KiB with checked bytes.")
    var workload = WorkloadKind.none

    @Option(help: ArgumentHelp("Copies per second and device, 1 to 1000000.", valueName: "copies"))
    var workloadRate = 500

    @Option(
        help: ArgumentHelp(
            "The time after which a channel is stuck if it has operations and none finishes, 0.001 to 86400 s.",
            valueName: "seconds"))
    var stuckAfter = 1.0

    @OptionGroup var logging: LogOptions

    private static let defaultDevices = ["software", "software"]

    func validate() throws {
        try OwnTelemetryOptions.check(filePrefix: filePrefix)
        guard (1...1_000_000).contains(workloadRate) else {
            throw ValidationError("--workload-rate takes 1 to 1000000")
        }
        guard (0.001...86400).contains(stuckAfter) else {
            throw ValidationError("--stuck-after takes 0.001 to 86400 seconds")
        }
        guard broker == nil || osDomain.isEmpty else {
            throw ValidationError("--broker and --os-domain exclude each other: a guest uses its host's controller")
        }
        guard !noController || (broker == nil && osDomain.isEmpty) else {
            throw ValidationError("--no-controller excludes --broker and --os-domain")
        }
        try GroupName.check(controllerGroup, of: "--controller-group")
    }

    func run() throws {
        let life = try ServiceLife()
        var sockets = try ServiceSockets()
        try WebOptions.raiseDescriptorLimit()
        let termination = Termination()
        let logger = logging.bootstrap()
        let registry = DeviceRegistry.shared
        let devices = try makeDevices(in: registry)
        for (number, device) in devices.enumerated() { start(device, vchanCount: number % 2 == 0 ? 1 : 2, logger) }

        // Parts end in reverse order. If a later one fails to start, the earlier ones end with their last reference.
        let control = noController ? nil : try startControl(sockets.takeControl())
        let server = try startServer(registry, control?.controller, sockets.takeTelemetry())
        let http = sockets.takeHTTP()
        try sockets.requireAllTaken(by: "a service with these options")
        let workloads = workload == .copy ? try startWorkloads(devices, logger) : []
        var parts: [(name: String, service: any Service)] = [
            ("devices", WorkingPart { close(devices, logger) }), ("telemetry", WorkingPart(end: server.stop)),
        ]
        if let control { parts.append(("controller", WorkingPart(end: control.stop))) }
        parts += workloads.map { ("workload", WorkingPart(end: $0.stop)) }

        let (locations, continuation) = AsyncStream.makeStream(of: String?.self)
        let summary = ServeSummary(
            devices: devices, path: server.path, filePrefix: filePrefix, control: control)
        parts.append(
            (
                "summary",
                SummaryPart(locations: locations) { location in
                    life.ready(summary.status(location: location))
                    return summary.text(location: location)
                }
            ))
        var loops = [ServiceLife.Loop.telemetry(path: server.path)]
        if let controller = control?.controller { loops.append(.controller(controller)) }
        if let service = httpService(devices, ownSocket: server.path, http, listens: { continuation.yield($0) }) {
            loops.append(.web)
            parts.append(("http", service))
        } else {
            continuation.yield(nil)
        }
        life.watch(loops)
        // The devices may use the memory of the workloads until they are closed.
        try withExtendedLifetime(workloads) {
            try WebOptions.run(ServiceGroup(parts: parts, logger: logger), until: termination, life)
        }
        logger.info("ended")
    }

    private func makeDevices(in registry: DeviceRegistry) throws -> [DMADevice] {
        do throws(DeviceSpecification.Failure) {
            var specifications = device
            if specifications.isEmpty {
                for text in Self.defaultDevices { specifications.append(try DeviceSpecification(text)) }
            }
            return try DeviceFactory.make(specifications, in: registry)
        } catch {
            throw Failure("\(error): change the --device options")
        }
    }

    /// A device that does not support plain copies is still served, unconfigured.
    private func start(_ device: DMADevice, vchanCount: UInt16, _ logger: Logger) {
        do throws(DMAError) {
            try device.start(vchanCount: min(vchanCount, device.properties.maximumVirtualChannelCount))
        } catch {
            logger.warning("cannot start a device", metadata: ["device": "\(device.name)", "error": "\(error)"])
        }
    }

    private func startServer(
        _ registry: DeviceRegistry, _ controller: DMAController?, _ inherited: consuming ListeningSocket?
    ) throws -> TelemetryServer {
        let commands = DeviceCommands.table(for: registry, controller: controller, stuckAfter: .seconds(stuckAfter))
        let logger = Logger(label: "dmascope.telemetry")
        do throws(TelemetryServerError) {
            switch consume inherited {
            case .some(let socket):
                return try TelemetryServer.start(
                    on: socket, commands: commands, access: rights.telemetryAccess, logger: logger)
            case .none:
                return try TelemetryServer.start(
                    filePrefix: filePrefix, commands: commands, access: rights.telemetryAccess, logger: logger)
            }
        } catch {
            throw Failure(
                "\(error): choose another --file-prefix, or set RUNTIME_DIRECTORY to a directory that you own")
        }
    }

    /// The HTTP routes: a new one is a row here.
    private func httpService(
        _ devices: [DMADevice], ownSocket: String, _ inherited: consuming ServiceSockets.HTTPSocket?,
        listens: @escaping @Sendable (String) -> Void
    ) -> HTTPService? {
        let statistics = WebStatistics()
        let collector = sources.collector(includesThisProcess: true, ownSocket: ownSocket, web: statistics)
        let health = HTTPRoute.health {
            devices.contains { (try? $0.view.info)?.isStarted == true } ? nil : "no device is started"
        }
        let routes =
            HTTPRoute.livePage(of: sources.snapshots(ownSocket: ownSocket)) + [.metrics(of: collector)] + health
        return web.service(routes, statistics, inherited, listens: listens)
    }

    private func startControl(_ inherited: consuming ListeningSocket?) throws(Failure) -> ControlService {
        let group = controllerGroup.flatMap(GroupName.number)
        let place: BrokerPlace?
        if let broker { place = broker.place } else { place = try findBrokerPlace() }
        if let place {
            guard inherited == nil else {
                throw Failure("a broker makes its control socket itself: remove the socket control from the unit")
            }
            return try ControlService.start(
                place, socketMode: rights.controllerSocketMode, socketGroup: group, filePrefix: filePrefix)
        }
        var configuration = ControllerConfiguration()
        configuration.socketGroup = group
        configuration.socketMode = rights.controllerSocketMode
        configuration.tenants = tenantBy == .cgroup ? .cgroups : .users
        configuration.hasGlobalPriorities = globalPriorities
        configuration.exporters.formUnion(exporter)
        return try ControlService.start(configuration, osDomain, filePrefix: filePrefix, inherited)
    }

    private func findBrokerPlace() throws(Failure) -> BrokerPlace? {
        guard osDomain.isEmpty else { return nil }
        do throws(BrokerError) {
            return try BrokerPlace.find()
        } catch {
            throw Failure(error.description)
        }
    }

    private func startWorkloads(_ devices: [DMADevice], _ logger: Logger) throws(Failure) -> [CopyWorkload] {
        var workloads: [CopyWorkload] = []
        for device in devices where isReady(device) {
            workloads.append(try CopyWorkload(device, copiesPerSecond: workloadRate, logger))
        }
        return workloads
    }

    private func isReady(_ device: DMADevice) -> Bool {
        device.properties.capabilities.isSuperset(of: .localCopies) && (try? device.info)?.isStarted == true
    }

    private func close(_ devices: [DMADevice], _ logger: Logger) {
        for device in devices {
            do throws(DMAError) {
                try device.stop()
                try device.close()
            } catch {
                logger.error("cannot close a device", metadata: ["device": "\(device.name)", "error": "\(error)"])
            }
        }
    }
}
