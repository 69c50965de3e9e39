import LinuxSystem
import Logging
import SystemPackage
import TelemetryWire

extension TelemetryServer {
    /// A limit for the search: more processes with one prefix are a mistake.
    private static let maximumInstances = 1024

    /// Listens on the first free socket name of the prefix. Directories are shared with other servers. After an error
    /// no file remains.
    package static func makeSocket(
        filePrefix: String, in root: TelemetryRunDirectory, below parents: [String] = [],
        _ access: TelemetryAccess = TelemetryAccess(),
        logger: Logger
    ) throws(TelemetryServerError) -> ListeningSocket {
        guard TelemetryRunDirectory.isValid(filePrefix: filePrefix) else {
            throw TelemetryServerError(
                .invalidFilePrefix,
                "\"\(filePrefix)\" is not a valid file prefix: it must be a directory name without a slash, 1 to 255 bytes"
            )
        }
        let directory = root.directory(filePrefix: filePrefix)
        let (mode, group) = (access.directoryMode, access.socketGroup)
        var layout = SocketFile.Layout(
            directories: parents.map { .init($0) } + [
                .init(root.applications, mode: mode, group: group, allowsSuperuser: true, isOpened: mode != 0o700),
                .init(directory, mode: mode, group: group, isOpened: mode != 0o700),
            ],
            lockPath: "\(directory)/\(TelemetryRunDirectory.socketName).lock")
        layout.mode = FilePermissions(rawValue: CModeT(access.socketMode))
        layout.group = group
        let paths = (0..<maximumInstances).lazy.map { root.socketPath(filePrefix: filePrefix, instance: $0) }
        do throws(SocketFile.Failure) {
            let socket = try ListeningSocket(at: paths, layout)
            if socket.replacedDeadSocket {
                logger.info("replaced the socket of an ended process", metadata: ["path": "\(socket.path)"])
            }
            return socket
        } catch {
            switch error.kind {
            case .inUse, .notReplaceable:
                throw TelemetryServerError(
                    .noFreeInstance, "\(maximumInstances) servers with the prefix \(filePrefix) already run")
            case .pathTooLong: throw TelemetryServerError(.pathTooLong, error.description, errno: error.errno)
            case .directoryRefused: throw TelemetryServerError(.directoryRefused, error.description, errno: error.errno)
            case .system: throw TelemetryServerError(.system, error.description, errno: error.errno)
            }
        }
    }
}
