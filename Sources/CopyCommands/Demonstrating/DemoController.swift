import CommandSupport
import DMAController
import DMADev
import DMATelemetry
import Glibc
import LinuxSystem
import SystemPackage
import TelemetryServer
import TelemetryWire

/// The controller of a demonstration, and the process to query about it: those of `dmascope serve`, or its own.
final class DemoController {
    let peer: Peer
    /// The path of the control socket.
    let controllerPath: String
    private let own: Own?

    /// A controller with telemetry, in a temporary directory.
    private struct Own {
        let controller: DMAController
        let server: TelemetryServer
        let directory: DemoDirectory
    }

    var isOwn: Bool { own != nil }

    /// The process that the options name, else `dmascope serve`, else a new controller in this process.
    static func find(_ options: PeerOptions) throws(Failure) -> DemoController {
        let found: Peer
        do throws(Failure) {
            found = try options.connect()
        } catch {
            guard error.status == .noPeer, !options.isGiven else { throw error }
            return try DemoController(timeout: options.timeoutOption.duration)
        }
        return try DemoController(found, nil)
    }

    private init(_ peer: Peer, _ own: Own?) throws(Failure) {
        let info = try peer.require("/controller/info", "the target is not a controller")
        guard let path = info["socket"]?.string, !path.isEmpty else {
            throw peer.missing("the target does not report its controller's socket", "/controller/info")
        }
        self.peer = peer
        controllerPath = path
        self.own = own
    }

    private convenience init(timeout: Duration) throws(Failure) {
        let directory = try DemoDirectory()
        let controller: DMAController
        do throws(ControllerError) {
            controller = try DMAController.start(path: directory.file("control"))
        } catch {
            throw Failure("\(error): start `dmascope serve` instead")
        }
        do {
            let server = try TelemetryServer.start(
                filePrefix: "demo", commands: DeviceCommands.table(controller: controller),
                in: TelemetryRunDirectory(root: directory.path))
            let own = Own(controller: controller, server: server, directory: directory)
            try self.init(Peer(.socket(server.path), timeout: timeout), own)
        } catch {
            controller.stop()
            throw Failure("\((error as? Failure)?.message ?? "\(error)"): start `dmascope serve` instead")
        }
    }

    /// Stops the controller and the telemetry server if they belong to the demonstration.
    func end() {
        guard let own else { return }
        own.server.stop()
        own.controller.stop()
    }
}
