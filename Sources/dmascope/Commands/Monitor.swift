import ArgumentParser
import CommandSupport
import LinuxSystem
import LivePage
import Logging
import MetricsExporter
import ServiceLifecycle
import SystemPackage
import TelemetryClient
import TelemetryWire
import WebServer

/// `dmascope monitor`
struct Monitor: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "monitor",
        abstract: "Show the DMA devices of every user of this machine over HTTP until Ctrl-C.",
        discussion: """
            The live page and /metrics of `dmascope serve`, without devices, controller and telemetry of its own. It reads the \
            telemetry sockets of all users, in their run directories, and trusts them all: each series has the label \
            owner. The capability CAP_DAC_OVERRIDE lets it connect to sockets of other users; a process of its own has it, \
            which finds and connects sockets and reads nothing from them. The process that reads has no capabilities. \
            Without the capability, what may not be read is shown as such. Use the unit dmascope-monitor.service.
            """)

    @OptionGroup var web: WebOptions

    @Option(
        help: ArgumentHelp(
            "Search this directory for dpdk/PREFIX too, or with /* at its end, all directories in it; may be repeated.",
            valueName: "directory"))
    var runDirectory: [String] = []

    @Option(help: ArgumentHelp("Time limit for all answers of a source.", valueName: "seconds"))
    var scrapeTimeout = 1.0

    @Flag(
        help: """
            Keep CAP_SYS_PTRACE in the process that reads telemetry, to find out which processes hold dma-bufs. With it, an \
            error there could harm every process of the machine.
            """)
    var dmabufHolders = false

    @Option(help: ArgumentHelp("Where to look for the kernel's DMA engines and dma-bufs.", valueName: "directory"))
    var sysfs = "/sys"

    @OptionGroup var logging: LogOptions

    /// Where DPDK and dmascope have their sockets: those of the superuser, of users who are logged in, of units with
    /// `RuntimeDirectory=`, and of other users.
    static let usualRoots = ["/var/run", "/run/user/*", "/run/*", "/tmp"]

    func validate() throws {
        guard scrapeTimeout > 0, scrapeTimeout <= 3600 else {
            throw ValidationError("--scrape-timeout takes more than 0 and at most 3600 seconds")
        }
        guard runDirectory.allSatisfy({ $0.hasPrefix("/") && $0.dropLast(2).allSatisfy { !"*?[".contains($0) } }) else {
            throw ValidationError("--run-directory takes an absolute path, which may end with /*")
        }
        guard web.listen != "off" else {
            throw ValidationError("a monitor has nothing but HTTP: --listen cannot be off")
        }
    }

    func run() throws {
        let life = try ServiceLife()
        var sockets = try ServiceSockets()
        let http = sockets.takeHTTP()
        try sockets.requireAllTaken(by: "a monitor")
        // Both before the first thread: a thread that exists would keep its rights.
        let connector = try ConnectorProcess(roots: runDirectory + Self.usualRoots)
        let kept = try ConnectorProcess.giveUpRights(but: dmabufHolders ? .examination : [])
        try WebOptions.raiseDescriptorLimit()
        let termination = Termination()
        let logger = logging.bootstrap()
        if dmabufHolders, kept.isEmpty {
            logger.warning("holders of dma-bufs are not found: CAP_SYS_PTRACE is missing")
        }
        let statistics = WebStatistics()
        let routes =
            HTTPRoute.livePage(of: SnapshotCollector(snapshots(connector.connector)))
            + [.metrics(of: MetricsCollector(metrics(connector.connector, statistics)))] + HTTPRoute.health { nil }
        let (locations, continuation) = AsyncStream.makeStream(of: String?.self)
        let service = web.service(routes, statistics, http) { continuation.yield($0) }
        life.watch([.web, .connector(connector.connector)])
        var parts: [(name: String, service: any Service)] = [
            ("connector", connector.part),
            (
                "summary",
                SummaryPart(locations: locations) { location in
                    life.ready("Shows the devices of all users at \(location ?? "")")
                    return Self.summary(location ?? "")
                }
            ),
        ]
        if let service { parts.append(("http", service)) }
        try WebOptions.run(ServiceGroup(parts: parts, logger: logger), until: termination, life)
        logger.info("ended")
    }

    private static func summary(_ location: String) -> String {
        """
        \(DmascopeVersion.text) shows the DMA devices of all users
        \(ServeSummary.addresses(at: location))

        Ctrl-C ends it.
        """
    }

    private func snapshots(_ connector: SourceConnector) -> SnapshotCollector.Configuration {
        var configuration = SnapshotCollector.Configuration()
        configuration.connector = connector
        configuration.trust = .everyone
        configuration.timeout = .seconds(scrapeTimeout)
        configuration.sysfs = sysfs
        return configuration
    }

    private func metrics(_ connector: SourceConnector, _ web: WebStatistics) -> MetricsCollector.Configuration {
        var configuration = MetricsCollector.Configuration()
        configuration.connector = connector
        configuration.trust = .everyone
        configuration.timeout = .seconds(scrapeTimeout)
        configuration.sysfs = sysfs
        configuration.web = web
        return configuration
    }
}
