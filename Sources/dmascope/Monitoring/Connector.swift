import ArgumentParser
import CommandSupport
import Glibc
import LinuxSystem
import TelemetryClient

/// The process that connects telemetry sockets for `dmascope monitor`, which starts it. Its standard input is the socket
/// to that process; it ends with it.
struct Connector: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connector",
        abstract: "Connects sockets for dmascope monitor.", shouldDisplay: false)

    @Argument var root: [String]

    func run() throws {
        do {
            try ProcessCapabilities.fileAccess.keepOnlyThese()
            try ProcessCapabilities.forbidExamination()
        } catch {
            throw Failure("cannot give up other capabilities: \(error)")
        }
        // A signal to the group of processes, as Ctrl-C is, ends the other process first.
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] { Glibc.signal(signal, SIG_IGN) }
        var service = ConnectorService(OwnedDescriptor(adopting: 0), roots: root)
        service.run()
    }
}
