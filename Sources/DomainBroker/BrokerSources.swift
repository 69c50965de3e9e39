internal import DomainLink
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// The telemetry sockets of the guest that the host may read.
struct BrokerSources {
    private let find: @Sendable () -> [String: String]
    /// Paths by the names that the host knows.
    private var paths: [String: String] = [:]
    /// Sockets that were found to have a server, and those that have none.
    private var live: Set<FileIdentity> = [], dead: Set<FileIdentity> = []
    private var sent: [String]?
    private var nextSearch = MonotonicTime(nanoseconds: 0)

    init(_ find: @escaping @Sendable () -> [String: String]) {
        self.find = find
    }

    /// The host knows none yet.
    mutating func sessionBegan() {
        sent = nil
        nextSearch = .now
    }

    /// The list, once a second at most and only when it has changed.
    mutating func newList() -> SourceList? {
        guard MonotonicTime.now >= nextSearch else { return nil }
        nextSearch = MonotonicTime.now.advanced(by: .seconds(1))
        var identities: Set<FileIdentity> = []
        paths = find().filter { _, path in
            guard let identity = FileIdentity(path) else { return false }
            identities.insert(identity)
            return isLive(identity, at: path)
        }
        live.formIntersection(identities)
        dead.formIntersection(identities)
        let names = Array(paths.keys.sorted().prefix(SourceList.maximumCount))
        guard names != sent else { return nil }
        sent = names
        return SourceList(names)
    }

    private mutating func isLive(_ identity: FileIdentity, at path: String) -> Bool {
        if live.contains(identity) { return true }
        guard !dead.contains(identity) else { return false }
        switch SequencedPacketSocket.probe(path) {
        case nil, .wouldBlock?:
            live.insert(identity)
            return true
        default:
            dead.insert(identity)
            return false
        }
    }

    /// Connects to a socket of the list whose server is of this user or the superuser.
    mutating func connect(to name: String) -> OwnedDescriptor? {
        guard let path = paths[name] else { return nil }
        do throws(Errno) {
            let socket = try SequencedPacketSocket.open(nonblocking: true)
            try SequencedPacketSocket.connect(socket, to: path)
            let user = try PeerCredentials(of: socket).uid
            guard user == 0 || user == geteuid() else { return nil }
            return socket
        } catch {
            if error == .connectionRefused, let identity = FileIdentity(path) {
                live.remove(identity)
                dead.insert(identity)
            }
            return nil
        }
    }
}
