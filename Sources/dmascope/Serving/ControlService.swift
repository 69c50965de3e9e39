import CommandSupport
import DMAController
import DomainBroker
import LinuxSystem
import Logging
import TelemetryClient
import TelemetryServer
import TelemetryWire

/// What listens at the control socket: this process's controller with the bridges to its guests, or, in a guest, the broker
/// of the host's controller.
enum ControlService {
    case controller(DMAController, [DomainBridge])
    case broker(DomainBroker)

    /// The path of the control socket.
    var path: String {
        switch self {
        case .controller(let controller, _): controller.path
        case .broker(let broker): broker.path
        }
    }

    /// `nil`: it is a broker.
    var controller: DMAController? {
        if case .controller(let controller, _) = self { return controller }
        return nil
    }

    /// Ends the connections and removes the socket.
    func stop() {
        switch self {
        case .controller(let controller, let bridges):
            // The controller then still closes the connections of the guests.
            for bridge in bridges { bridge.stop() }
            controller.stop()
        case .broker(let broker): broker.stop()
        }
    }

    /// Starts a controller with its bridges, at the socket of a service manager or the first path that is free.
    static func start(
        _ configuration: ControllerConfiguration, _ domains: [OSDomainOption], filePrefix: String,
        _ inherited: consuming ListeningSocket?
    ) throws(Failure) -> ControlService {
        var configuration = configuration
        configuration.osDomains = domains.map(\.domain)
        if let socket = inherited.take() {
            do throws(ControllerError) {
                let controller = try DMAController.start(
                    on: socket, configuration: configuration, logger: Logger(label: "dmascope.controller"))
                return .controller(controller, try bridges(to: controller, domains))
            } catch {
                throw Failure("\(error): choose another --os-domain, or --no-controller")
            }
        }
        return try atFreePath(filePrefix) { (path, instance) throws(Failure) -> ControlService? in
            do throws(ControllerError) {
                // Groups of two controllers have different controller ids.
                configuration.controllerID = UInt16(instance)
                let controller = try DMAController.start(
                    path: path, configuration: configuration, logger: Logger(label: "dmascope.controller"))
                return .controller(controller, try bridges(to: controller, domains))
            } catch {
                if error.isTaken { return nil }
                throw Failure("\(error): choose another --file-prefix, another --os-domain, or --no-controller")
            }
        }
    }

    private static func bridges(
        to controller: DMAController, _ domains: [OSDomainOption]
    ) throws(ControllerError) -> [DomainBridge] {
        var bridges: [DomainBridge] = []
        for option in domains {
            bridges.append(
                try DomainBridge(
                    domain: option.domain, channel: option.channel, controller: controller,
                    logger: Logger(label: "dmascope.bridge")
                ) { prefix in
                    let (host, name) = (TelemetryRunDirectory.standard, option.domain.name)
                    return try? TelemetryServer.makeSocket(
                        filePrefix: prefix, in: host.domain(name),
                        below: [host.domains, host.domain(name).root],
                        logger: Logger(label: "dmascope.bridge"))
                })
        }
        return bridges
    }

    /// Starts a broker at the first path that is free.
    static func start(
        _ place: BrokerPlace, socketMode: UInt16, socketGroup: UInt32?, filePrefix: String
    ) throws(Failure) -> ControlService {
        try atFreePath(filePrefix) { (path, _) throws(Failure) -> ControlService? in
            do throws(BrokerError) {
                return .broker(
                    try DomainBroker(
                        path: path, place: place, socketMode: socketMode, socketGroup: socketGroup,
                        telemetry: telemetry,
                        logger: Logger(label: "dmascope.broker")))
            } catch {
                if error.isTaken { return nil }
                throw Failure("\(error): choose another --broker, or --no-controller")
            }
        }
    }

    /// The telemetry sockets of the superuser and of this user.
    @Sendable private static func telemetry() -> [String: String] {
        let trust = TelemetryTrust()
        let found = TelemetryDiscovery.search().sources.filter {
            $0.domain == nil && trust.refusal(ofDirectory: $0.directory) == nil
        }
        let names = found.map { source in
            let number = source.instance ?? 0
            return (number == 0 ? source.prefix : "\(source.prefix):\(number)", source.path)
        }
        return Dictionary(names) { first, _ in first }
    }

    /// - Parameter start: `nil`: the path is taken.
    private static func atFreePath(
        _ filePrefix: String, _ start: (_ path: String, _ instance: Int) throws(Failure) -> ControlService?
    ) throws(Failure) -> ControlService {
        for instance in 0...ControlSocketPath.maximumInstances {
            let path = ControlSocketPath.path(filePrefix: filePrefix, instance: instance)
            if let started = try start(path, instance) { return started }
        }
        throw Failure("too many controllers use the prefix \(filePrefix): choose another --file-prefix")
    }
}
