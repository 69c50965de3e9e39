import CPeers
import Foundation

/// A server in a child process, and its socket.
final class ServerProcess {
    let path: String
    let child: Child
    private let signal: Int32?

    private init(_ child: Child, _ path: String, endsWith signal: Int32?) {
        self.child = child
        self.path = path
        self.signal = signal
    }

    /// `dmascope serve` on the engine's processor, ready to serve.
    static func dmascope(
        _ setting: Setting, filePrefix: String, _ options: [String] = []
    ) throws(Failure) -> ServerProcess {
        let server = try dmascopeStarting(setting, filePrefix: filePrefix, options)
        _ = try server.child.line()
        return server
    }

    /// The same, perhaps not ready yet.
    static func dmascopeStarting(
        _ setting: Setting, filePrefix: String, _ options: [String] = []
    ) throws(Failure) -> ServerProcess {
        guard FileManager.default.isExecutableFile(atPath: setting.dmascope) else {
            throw Failure("\(setting.dmascope) is not executable: give the path of a program with --dmascope")
        }
        let child = try Child(
            // Unlike the others it does not end with its standard input, so a signal ends it if this program ends.
            [
                "setpriv", "--pdeathsig", "TERM", "taskset", "-c", "\(setting.engineCPU)", setting.dmascope, "serve",
                "--file-prefix", filePrefix,
            ] + options,
            environment: ["RUNTIME_DIRECTORY": setting.directory])
        return ServerProcess(
            child, "\(setting.directory)/dpdk/\(filePrefix)/dpdk_telemetry.v2", endsWith: SIGTERM)
    }

    /// The echo server on the engine's processor.
    static func echo(_ setting: Setting) throws(Failure) -> ServerProcess {
        let path = "\(setting.directory)/echo"
        let child = try Child(["taskset", "-c", "\(setting.engineCPU)", Setting.built("echo-server"), path])
        _ = try child.line()
        return ServerProcess(child, path, endsWith: nil)
    }

    func end() { child.end(signal) }
}
