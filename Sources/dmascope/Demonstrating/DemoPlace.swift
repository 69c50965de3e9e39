import DMAController
import DMADev
import DMATelemetry
import Glibc
import LinuxSystem
import SystemPackage
import TelemetryServer
import TelemetryWire

/// The controller of a demonstration, and the process that tells about it: those of `dmascope serve`, or its own.
final class DemoPlace {
    /// Who is asked.
    let peer: Peer
    /// The path of the control socket.
    let controllerPath: String
    private let own: Own?

    /// A controller with telemetry in a directory that goes with it.
    private struct Own {
        let controller: DMAController
        let server: TelemetryServer
        let directory: String
    }

    var isOwn: Bool { own != nil }

    /// The process that was named, or the one that serves usually, or one's own.
    static func find(_ options: PeerOptions) throws(Failure) -> DemoPlace {
        let found: Peer
        do throws(Failure) {
            found = try options.connect()
        } catch {
            guard error.status == .noPeer, !options.isGiven else { throw error }
            return try DemoPlace(timeout: options.timeoutOption.duration)
        }
        return try DemoPlace(found, nil)
    }

    private init(_ peer: Peer, _ own: Own?) throws(Failure) {
        let info = try peer.demand("/controller/info", "the target is no controller")
        guard let path = info["socket"]?.string, !path.isEmpty else {
            throw peer.lacks("the target does not tell where its controller is", "/controller/info")
        }
        self.peer = peer
        controllerPath = path
        self.own = own
    }

    private convenience init(timeout: Duration) throws(Failure) {
        // Not TMPDIR, which may be long: the path of a socket has 107 bytes at most.
        var template = Array("/tmp/dmascope-demo-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Failure("cannot make a directory in /tmp: \(Errno(rawValue: errno)): start `dmascope serve` instead")
        }
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let controller: DMAController
        do throws(ControllerError) {
            controller = try DMAController.start(path: directory + "/control")
        } catch {
            rmdir(directory)
            throw Failure("\(error): start `dmascope serve` instead")
        }
        do {
            let server = try TelemetryServer.start(
                filePrefix: "demo", commands: DeviceCommands.table(controller: controller),
                in: TelemetryRunDirectory(root: directory))
            let own = Own(controller: controller, server: server, directory: directory)
            try self.init(Peer(.socket(server.path), timeout: timeout), own)
        } catch {
            controller.stop()
            Self.remove(directory)
            throw Failure("\((error as? Failure)?.message ?? "\(error)"): start `dmascope serve` instead")
        }
    }

    /// Stops what is one's own.
    func end() {
        guard let own else { return }
        own.server.stop()
        own.controller.stop()
        Self.remove(own.directory)
    }

    /// What the two have made in it; their sockets are gone.
    private static func remove(_ directory: String) {
        for path in ["/dpdk/demo", "/dpdk", ""] { rmdir(directory + path) }
    }
}
