import ArgumentParser
import DMAController
import DMADev
import DMATelemetry
import DeviceDrivers
import Logging
import MetricsExporter
import WebServer
import ServiceLifecycle
import TelemetryServer

/// `dmascope serve`
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve DMA devices and tell about them, until Ctrl-C.",
        discussion: """
            Makes the devices, starts them, and answers telemetry clients: dmascope's other commands and DPDK's \
            dpdk-telemetry.py. Over HTTP it shows these devices and those of every other process with a telemetry socket: a \
            live page for browsers, whose address it prints, and at /metrics metrics for Prometheus and other scrapers. \
            It is a controller too: other processes make devices \
            of it with --device controller,socket=PATH, the path that it prints. A second SIGINT or SIGTERM ends it at \
            once.

            DEVICES: a driver, then keys, as in software,name=dma0,vchans=8
            \(DriverTable.help)
            """)

    @Option(
        help: ArgumentHelp(
            "A device to make; may be there several times. The default is two software devices, dma0 and dma1.",
            valueName: "driver[,key=value]…"),
        transform: DeviceSpecification.argument)
    var device: [DeviceSpecification] = []

    @Option(help: ArgumentHelp("The DPDK file prefix: names the directory of the socket.", valueName: "prefix"))
    var filePrefix = "dmascope"

    @Option(
        help: ArgumentHelp(
            "Where HTTP is served: HOST:PORT, [IPv6]:PORT, unix:PATH, or off. Port 0 takes a free one.",
            valueName: "address"))
    var listen = "127.0.0.1:9876"

    @OptionGroup var sources: SourceOptions

    @Flag(help: "Be no controller for devices of other processes.")
    var noController = false

    @Option(
        help: ArgumentHelp(
            "The group whose users may make devices of the controller, by name or number; the usual one is this "
                + "process's own.", valueName: "group"))
    var controllerGroup: String?

    @Option(help: "What the devices do: nothing, or copies of 64 B to 64 KiB whose bytes are checked.")
    var workload = WorkloadKind.none

    @Option(help: ArgumentHelp("Copies a second and device, 1 to 1000000.", valueName: "copies"))
    var workloadRate = 500

    @OptionGroup var logging: LogOptions

    /// How the usual devices are made.
    private static let usualDevices = ["software", "software"]

    func validate() throws {
        try OwnTelemetryOptions.check(filePrefix: filePrefix)
        guard (1...1_000_000).contains(workloadRate) else {
            throw ValidationError("--workload-rate takes 1 to 1000000")
        }
        guard listen == "off" || ListenAddress(listen) != nil else {
            throw ValidationError("--listen takes HOST:PORT, [IPv6]:PORT, unix:PATH, or off")
        }
        if let controllerGroup, ControllerGroup.number(controllerGroup) == nil {
            throw ValidationError(
                "--controller-group takes the name or number of a group; none is named \(controllerGroup)")
        }
    }

    func run() throws {
        let termination = Termination()
        let logger = logging.bootstrap()
        let registry = DeviceRegistry.shared
        let devices = try makeDevices(in: registry)
        for (number, device) in devices.enumerated() { start(device, vchanCount: number % 2 == 0 ? 1 : 2, logger) }

        // Parts end in reverse order. What works already is ended by its last reference when a later one fails to start.
        let controller = noController ? nil : try startController()
        let server = try startServer(registry, controller)
        let workloads = workload == .copy ? try startWorkloads(devices, logger) : []
        var parts: [(name: String, service: any Service)] = [
            ("devices", WorkingPart { close(devices, logger) }), ("telemetry", WorkingPart(end: server.stop)),
        ]
        if let controller { parts.append(("controller", WorkingPart(end: controller.stop))) }
        parts += workloads.map { ("workload", WorkingPart(end: $0.stop)) }

        let (locations, tell) = AsyncStream.makeStream(of: String?.self)
        let greeting = ServeGreeting(
            devices: devices, path: server.path, filePrefix: filePrefix, controllerPath: controller?.path)
        parts.append(("greeting", GreetingPart(locations: locations) { greeting.text(location: $0) }))
        if let service = httpService(listens: { tell.yield($0) }) {
            parts.append(("http", service))
        } else {
            tell.yield(nil)
        }
        try run(ServiceGroup(parts: parts, logger: logger), until: termination)
        logger.info("ended")
    }

    private func run(_ group: ServiceGroup, until termination: Termination) throws {
        do {
            try group.run(until: termination)
        } catch let error as HTTPServiceError {
            let advice =
                error.isAddressTaken
                ? "end the program that has it, or choose another --listen, as 127.0.0.1:0 for any free port, or off"
                : "choose another --listen, as 127.0.0.1:9876 or unix:PATH, or off"
            throw Failure("\(error): \(advice)")
        }
    }

    private func makeDevices(in registry: DeviceRegistry) throws -> [DMADevice] {
        do throws(DeviceSpecification.Failure) {
            var specifications = device
            if specifications.isEmpty {
                for text in Self.usualDevices { specifications.append(try DeviceSpecification(text)) }
            }
            return try DeviceFactory.make(specifications, in: registry)
        } catch {
            throw Failure("\(error): change the --device options")
        }
    }

    /// A device that cannot do plain copies is shown all the same, unconfigured.
    private func start(_ device: DMADevice, vchanCount: UInt16, _ logger: Logger) {
        do throws(DMAError) {
            try device.start(vchanCount: min(vchanCount, device.properties.maximumVirtualChannelCount))
        } catch {
            logger.warning("a device is not started", metadata: ["device": "\(device.name)", "error": "\(error)"])
        }
    }

    private func startServer(_ registry: DeviceRegistry, _ controller: DMAController?) throws -> TelemetryServer {
        do throws(TelemetryServerError) {
            return try TelemetryServer.start(
                filePrefix: filePrefix, commands: DeviceCommands.table(for: registry, controller: controller),
                logger: Logger(label: "dmascope.telemetry"))
        } catch {
            throw Failure("\(error): choose another --file-prefix, or set RUNTIME_DIRECTORY to a directory of yours")
        }
    }

    /// The addresses of HTTP: a new one is a row here.
    private func httpService(listens: @escaping @Sendable (String) -> Void) -> HTTPService? {
        guard let address = ListenAddress(listen) else { return nil }
        let statistics = WebStatistics()
        let collector = sources.collector(tellsOfItself: true, web: statistics)
        let routes = HTTPRoute.livePage(of: sources.snapshots, at: address) + [.metrics(of: collector)]
        return HTTPService(
            address, routes: routes, statistics: statistics, logger: Logger(label: "dmascope.http"),
            onListening: listens)
    }

    private func startController() throws -> DMAController {
        var configuration = ControllerConfiguration()
        configuration.socketGroup = controllerGroup.flatMap(ControllerGroup.number)
        var instance = 0
        while true {
            do throws(ControllerError) {
                // So that groups of two controllers are told apart.
                configuration.controllerID = UInt16(instance)
                return try DMAController.start(
                    path: ControlSocketPath.path(filePrefix: filePrefix, instance: instance),
                    configuration: configuration, logger: Logger(label: "dmascope.controller"))
            } catch {
                guard error.isTaken, instance < ControlSocketPath.maximumInstances else {
                    throw Failure("\(error): choose another --file-prefix, or --no-controller")
                }
                instance += 1
            }
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
                logger.error("a device cannot be closed", metadata: ["device": "\(device.name)", "error": "\(error)"])
            }
        }
    }
}
