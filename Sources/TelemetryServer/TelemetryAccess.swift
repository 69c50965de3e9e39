import Glibc
import LinuxSystem
public import TelemetryWire

/// Who may use a telemetry server, and for what.
///
/// The user of the process and the superuser have every right, and the user `dmascope-monitor` may read. The file system decides first who can connect at all: by
/// default the directories and the socket are for this user only.
public struct TelemetryAccess: Sendable, Equatable {
    /// A user or a group, by number.
    public enum Holder: Sendable, Hashable {
        /// The effective user of the peer.
        case user(UInt32)
        /// The effective group of the peer, or one of its supplementary groups.
        case group(UInt32)
    }

    /// The rights of users and groups. A peer with several has the highest.
    public var rights: [Holder: TelemetryRight]

    /// The mode of the socket, which decides who can connect: connecting needs write. The directory of the prefix and the
    /// one above it get permissions to find the socket, and its group, also if they exist already and belong to this user.
    public var socketMode: UInt16

    /// The group ID of the socket; `nil`: the group of the process.
    public var socketGroup: UInt32?

    /// This user, the superuser and the monitor only, unless rights are given.
    ///
    /// - Parameters:
    ///   - rights: of others. They also need the permission of the file system.
    ///   - socketMode: permissions of the socket.
    ///   - socketGroup: its group ID.
    public init(rights: [Holder: TelemetryRight] = [:], socketMode: UInt16 = 0o600, socketGroup: UInt32? = nil) {
        self.rights = rights
        self.socketMode = socketMode
        self.socketGroup = socketGroup
    }

    /// The mode of the directories: clients search them, and commands list them to find servers.
    var directoryMode: UInt16 { 0o700 | (socketMode & 0o060 != 0 ? 0o050 : 0) | (socketMode & 0o006 != 0 ? 0o055 : 0) }

    /// The right of a peer; `nil`: none.
    ///
    /// - Parameters:
    ///   - peer: as the kernel recorded it when it connected.
    ///   - ownUser: the effective user of this process.
    ///   - groups: the supplementary groups of the peer; needed only if ``hasGroups``.
    func right(
        of peer: PeerCredentials, ownUser: UInt32 = geteuid(), groups: [UInt32]
    ) -> TelemetryRight? {
        if peer.uid == 0 || peer.uid == ownUser { return .control }
        let holders = [.user(peer.uid), .group(peer.gid)] + groups.map(Holder.group)
        return holders.compactMap { rights[$0] }.max() ?? (MonitorUser.matches(peer.uid) ? .read : nil)
    }

    /// Whether a group has a right.
    var hasGroups: Bool {
        rights.keys.contains { if case .group = $0 { true } else { false } }
    }
}
