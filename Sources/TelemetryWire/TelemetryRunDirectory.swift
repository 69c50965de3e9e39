import Glibc

/// Where telemetry sockets are: DPDK's rule, in one place for servers, clients and discovery.
///
/// `ROOT/dpdk/PREFIX/dpdk_telemetry.v2`, then `…v2:1`, `…v2:2` for further processes with the same prefix. Nothing here
/// touches the file system.
public struct TelemetryRunDirectory: Sendable, Hashable {
    /// The name of a directory's first socket.
    public static let socketName = "dpdk_telemetry.v2"

    /// The directory that holds `dpdk/`.
    public let root: String

    /// A root of one's own choice.
    public init(root: String) {
        self.root = root
    }

    /// The root that DPDK would take in this process: `$RUNTIME_DIRECTORY` when set, else `/var/run` for the superuser,
    /// and `$XDG_RUNTIME_DIR` or `/tmp` for others. Reads the environment anew each time.
    public static var standard: TelemetryRunDirectory {
        environment("RUNTIME_DIRECTORY").map(TelemetryRunDirectory.init(root:)) ?? withoutRuntimeDirectory
    }

    /// All roots where this user's processes may have put their sockets, ``standard`` first: a service has a
    /// `$RUNTIME_DIRECTORY` of its own, the applications it watches have not.
    public static var candidates: [TelemetryRunDirectory] {
        standard == withoutRuntimeDirectory ? [standard] : [standard, withoutRuntimeDirectory]
    }

    /// The directory above all prefixes, `ROOT/dpdk`.
    public var applications: String { root + "/dpdk" }

    /// The directory of one prefix, `ROOT/dpdk/PREFIX`.
    public func directory(filePrefix: String) -> String {
        applications + "/" + filePrefix
    }

    /// The socket's path; instance 0 has the bare name, the others `:1`, `:2`….
    public func socketPath(filePrefix: String, instance: Int = 0) -> String {
        directory(filePrefix: filePrefix) + "/" + Self.socketName(instance: instance)
    }

    /// The socket's file name.
    public static func socketName(instance: Int) -> String {
        instance == 0 ? socketName : "\(socketName):\(instance)"
    }

    /// The instance that a file name stands for; `nil` when it is no telemetry socket's name.
    public static func instance(ofSocketName name: String) -> Int? {
        guard name.hasPrefix(socketName) else { return nil }
        let suffix = name.dropFirst(socketName.count)
        if suffix.isEmpty { return 0 }
        guard suffix.first == ":", let instance = Int(suffix.dropFirst()), instance > 0,
            socketName(instance: instance) == name
        else { return nil }
        return instance
    }

    /// Whether a file prefix can name a directory: not empty, no slash or NUL, not `.` or `..`, at most 255 bytes.
    public static func isValid(filePrefix: String) -> Bool {
        !filePrefix.isEmpty && filePrefix != "." && filePrefix != ".." && filePrefix.utf8.count <= 255
            && !filePrefix.utf8.contains { $0 == 0 || $0 == UInt8(ascii: "/") }
    }

    private static var withoutRuntimeDirectory: TelemetryRunDirectory {
        TelemetryRunDirectory(root: geteuid() == 0 ? "/var/run" : environment("XDG_RUNTIME_DIR") ?? "/tmp")
    }

    /// A variable of the environment; empty counts as not set.
    private static func environment(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }
}
