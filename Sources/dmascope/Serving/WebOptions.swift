import ArgumentParser
import CommandSupport
import LinuxSystem
import Logging
import MetricsExporter
import ServiceLifecycle
import WebServer

/// The HTTP server of a service.
struct WebOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The HTTP address: HOST:PORT, [IPv6]:PORT, :PORT or *:PORT for all addresses of this machine, unix:PATH, or off. "
                + "Port 0 selects a free port.",
            valueName: "address"))
    var listen = "127.0.0.1:9876"

    @Option(
        help: ArgumentHelp(
            "A host name that HTTP clients may use, in addition to IP addresses and the names of this machine; may be "
                + "repeated.", valueName: "name"))
    var allowHost: [String] = []

    @Option(
        help: ArgumentHelp("The group of the socket of --listen unix:PATH, by name or number.", valueName: "group"))
    var listenGroup: String?

    @Option(
        help: ArgumentHelp(
            "The mode of the socket of --listen unix:PATH, in octal. The default is 600, and 660 with --listen-group.",
            valueName: "mode"))
    var listenMode: FileMode?

    private static let minimumDescriptors: UInt64 = 64

    func validate() throws {
        guard listen == "off" || address != nil else {
            throw ValidationError("--listen takes HOST:PORT, [IPv6]:PORT, :PORT, *:PORT, unix:PATH, or off")
        }
        try GroupName.check(listenGroup, of: "--listen-group")
    }

    /// `nil`: there is no HTTP server.
    var address: ListenAddress? { ListenAddress(listen) }

    /// The HTTP library ends the process if it cannot create descriptors.
    static func raiseDescriptorLimit() throws(Failure) {
        DescriptorLimit.raise(to: minimumDescriptors)
        guard DescriptorLimit.current >= minimumDescriptors else {
            throw Failure(
                "a service needs \(minimumDescriptors) file descriptors, and the limit is "
                    + "\(DescriptorLimit.maximum): raise it with `ulimit -n 1024`, or LimitNOFILE= of its unit")
        }
    }

    /// The server, at the socket of the service manager if there is one, else at the address of the option.
    func service(
        _ routes: [HTTPRoute], _ statistics: WebStatistics, _ inherited: consuming ServiceSockets.HTTPSocket?,
        listens: @escaping @Sendable (String) -> Void
    ) -> HTTPService? {
        let logger = Logger(label: "dmascope.http")
        switch consume inherited {
        case .some(let given):
            let address = given.address
            return HTTPService(
                address, allowedNames: allowHost, routes: routes, statistics: statistics,
                inherited: given.takeSocket(), logger: logger, onListening: listens)
        case .none:
            return address.map {
                HTTPService(
                    $0, socketMode: RightsOptions.mode(listenMode, listenGroup),
                    socketGroup: listenGroup.flatMap(GroupName.number), allowedNames: allowHost, routes: routes,
                    statistics: statistics, logger: logger,
                    onListening: listens)
            }
        }
    }

    /// Runs the parts of a service until a signal is received.
    static func run(_ group: ServiceGroup, until termination: Termination, _ life: ServiceLife) throws {
        do {
            try group.run(until: termination) { life.stopping() }
        } catch let error as HTTPServiceError {
            let advice =
                error.isAddressTaken
                ? "end the program that uses it, or choose another --listen: 127.0.0.1:0 for any free port, or off"
                : "choose another --listen, for example 127.0.0.1:9876, unix:PATH, or off"
            throw Failure("\(error): \(advice)")
        }
    }
}
