import Glibc

/// The paths of telemetry sockets, by DPDK's rule, for servers, clients and discovery.
///
/// `ROOT/dpdk/PREFIX/dpdk_telemetry.v2`, then `…v2:1`, `…v2:2` for further processes with the same prefix. This type
/// accesses the file system only for ``candidates``.
public struct TelemetryRunDirectory: Sendable, Hashable {
    /// The name of a directory's first socket.
    public static let socketName = "dpdk_telemetry.v2"

    /// The directory that holds `dpdk/`.
    public let root: String

    /// Nothing is checked: the directory need not exist.
    public init(root: String) {
        self.root = root
    }

    /// The root that DPDK would use in this process: the first directory of `$RUNTIME_DIRECTORY` if that is set, else
    /// `/var/run` for the superuser, and `$XDG_RUNTIME_DIR` or `/tmp` for others. Reads the environment at each call.
    public static var standard: TelemetryRunDirectory { candidates[0] }

    /// Whether ``standard`` is the one that every program of this user has without `$RUNTIME_DIRECTORY`.
    public static var isStandardUsual: Bool { standard == withoutRuntimeDirectory }

    /// The root of the packaged `dmascope.service`. Only the superuser makes directories in `/run`, so its owner is one that
    /// he has chosen.
    public static let packagedService = TelemetryRunDirectory(root: "/run/dmascope-service")

    /// All roots where this user's processes may have their sockets, ``standard`` first: a service has its own
    /// `$RUNTIME_DIRECTORY`, but the applications that it observes do not use it. systemd separates several directories
    /// by colons. The last one is ``packagedService``, if this user may look there.
    public static var candidates: [TelemetryRunDirectory] {
        let own = (environment("RUNTIME_DIRECTORY") ?? "").split(separator: ":").map {
            TelemetryRunDirectory(root: String($0))
        }
        let service = packagedService
        let packaged = access(service.applications, R_OK | X_OK) == 0 ? [service] : []
        return (own + [withoutRuntimeDirectory] + packaged).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// The directory of a host that has, for each of its guests, a directory with the guest's name: `ROOT/dmascope/domains`.
    public var domains: String { root + Self.domainsPath }

    /// The run directory of a guest on its host, `ROOT/dmascope/domains/NAME`. Its sockets stand for those of the guest.
    public func domain(_ name: String) -> TelemetryRunDirectory {
        TelemetryRunDirectory(root: "\(domains)/\(name)")
    }

    /// The name of the guest whose directory of prefixes this is; `nil` if it is none of a guest.
    public static func domain(ofApplications path: String) -> String? {
        guard path.hasSuffix(applicationsPath) else { return nil }
        let root = path.dropLast(applicationsPath.count)
        guard let slash = root.lastIndex(of: "/"), root[..<slash].hasSuffix(domainsPath) else { return nil }
        return String(root[root.index(after: slash)...])
    }

    private static let domainsPath = "/dmascope/domains", applicationsPath = "/dpdk"

    /// The directory above all prefixes, `ROOT/dpdk`.
    public var applications: String { root + Self.applicationsPath }

    /// The directory of one prefix, `ROOT/dpdk/PREFIX`.
    public func directory(filePrefix: String) -> String {
        applications + "/" + filePrefix
    }

    /// The socket's path; instance 0 has no suffix, the others `:1`, `:2`….
    public func socketPath(filePrefix: String, instance: Int = 0) -> String {
        directory(filePrefix: filePrefix) + "/" + Self.socketName(instance: instance)
    }

    /// The socket's file name; instance 0 has no suffix.
    public static func socketName(instance: Int) -> String {
        instance == 0 ? socketName : "\(socketName):\(instance)"
    }

    /// The instance in a socket's file name; `nil` if it is not the name of a telemetry socket.
    public static func instance(ofSocketName name: String) -> Int? {
        guard name.hasPrefix(socketName) else { return nil }
        let suffix = name.dropFirst(socketName.count)
        if suffix.isEmpty { return 0 }
        guard suffix.first == ":", let instance = Int(suffix.dropFirst()), instance > 0,
            socketName(instance: instance) == name
        else { return nil }
        return instance
    }

    /// Whether a file prefix is a valid directory name: not empty, no slash or NUL, not `.` or `..`, at most 255 bytes.
    public static func isValid(filePrefix: String) -> Bool {
        !filePrefix.isEmpty && filePrefix != "." && filePrefix != ".." && filePrefix.utf8.count <= 255
            && !filePrefix.utf8.contains { $0 == 0 || $0 == UInt8(ascii: "/") }
    }

    private static var withoutRuntimeDirectory: TelemetryRunDirectory {
        TelemetryRunDirectory(root: geteuid() == 0 ? "/var/run" : environment("XDG_RUNTIME_DIR") ?? "/tmp")
    }

    /// An environment variable; `nil` if it is not set or empty.
    private static func environment(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }
}
