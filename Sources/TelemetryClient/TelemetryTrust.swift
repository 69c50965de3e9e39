import Glibc
import LinuxSystem
import TelemetryWire

/// The users whose telemetry servers are read: the superuser, this process's user, that of the packaged service, and those
/// that are added.
///
/// A server that is found has to pass two checks: the owner of the socket's directory, before anything is connected, and
/// the user of its process, as the kernel reports it, before anything is read. For a path that the user of the program
/// chose, the second is enough.
public struct TelemetryTrust: Sendable, Hashable {
    /// `nil`: all users.
    private let users: Set<UInt32>?

    /// Trusts the superuser, this process's effective user, the owner of the packaged service's run directory, and `users`.
    public init(users: Set<UInt32> = []) {
        let service = Self.owner(of: TelemetryRunDirectory.packagedService.root)
        self.users = users.union([0, geteuid()]).union(service.map { [$0] } ?? [])
    }

    private init(all: Void) {
        users = nil
    }

    /// Trusts every user.
    public static let everyone = TelemetryTrust(all: ())

    /// Whether servers of the user are read.
    public func includes(_ user: UInt32) -> Bool {
        users?.contains(user) ?? true
    }

    /// Why a socket in that directory must not be connected; `nil` if its owner is trusted, or if there is no directory.
    public func refusal(ofDirectory path: String) -> TelemetryClientError? {
        guard users != nil, let owner = Self.owner(of: path), !includes(owner) else { return nil }
        return TelemetryClientError(
            .untrusted, "\(path) belongs to user \(owner), whose telemetry is not trusted", user: owner)
    }

    /// Why a connected server must not be read; `nil` if its user is trusted.
    func refusal(of peer: PeerCredentials, at path: String) -> TelemetryClientError? {
        guard !includes(peer.uid) else { return nil }
        return TelemetryClientError(
            .untrusted, "\(path) is served by user \(peer.uid), whose telemetry is not trusted", user: peer.uid)
    }

    /// The owner of a file, at the end of symbolic links; `nil` when it does not exist or cannot be examined.
    package static func owner(of path: String) -> UInt32? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_uid : nil
    }

    /// The owner of a file, or of the directory that hides it; `nil` when neither is known.
    package static func nearestOwner(of path: String) -> UInt32? {
        var path = path
        while true {
            if let owner = owner(of: path) { return owner }
            let directory = directory(of: path)
            if directory == path { return nil }
            path = directory
        }
    }

    /// The path of the directory that contains a file.
    package static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
