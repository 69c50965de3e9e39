import CLinux
import Glibc
public import SystemPackage

/// The service manager that has started this process: it learns what the service does, and may have opened its sockets.
///
/// C: `sd_notify`, `sd_watchdog_enabled` of systemd, whose protocols need no library
public struct ServiceManager: ~Copyable, Sendable {
    /// The time in which ``confirmLife()`` must be called again; `nil`: the manager does not watch.
    public let watchdogInterval: Duration?

    private let socket: OwnedDescriptor

    /// The manager that `$NOTIFY_SOCKET` names; `nil` without one. The variables are removed, so that no program that this one
    /// starts takes them for its own.
    ///
    /// - Throws: when the socket cannot be connected.
    public static func fromEnvironment() throws(Errno) -> ServiceManager? {
        defer { for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] { unsetenv(name) } }
        guard let address = text("NOTIFY_SOCKET") else { return nil }
        let isForThis = text("WATCHDOG_PID").map { $0 == "\(getpid())" } ?? true
        let microseconds = isForThis ? text("WATCHDOG_USEC").flatMap { Int64($0) } : nil
        return try ServiceManager(
            address: address, watchdogInterval: microseconds.flatMap { $0 > 0 ? .microseconds($0) : nil })
    }

    /// - Parameters:
    ///   - address: the path of the manager's socket, or an abstract address that begins with `@`.
    ///   - watchdogInterval: the time within which the manager wants the next sign of life; `nil`: it wants none.
    public init(address: String, watchdogInterval: Duration? = nil) throws(Errno) {
        let socket = OwnedDescriptor(adopting: try tryingSystemCall { clinux_connect_datagrams(address) })
        // A manager that does not read must not hold the service up.
        try SequencedPacketSocket.setSendTimeout(socket, .seconds(5))
        self.socket = socket
        self.watchdogInterval = watchdogInterval
    }

    /// Clients can use the service.
    ///
    /// - Parameter status: one line: what it serves.
    public func notifyReady(status: String) { send("READY=1\nSTATUS=\(Self.line(status))") }

    /// One line for the user: what the service does.
    public func notifyStatus(_ status: String) { send("STATUS=\(Self.line(status))") }

    /// The service has begun to end.
    public func notifyStopping() { send("STOPPING=1\nSTATUS=Ending") }

    /// The service works. The manager ends one that does not say so for ``watchdogInterval``.
    public func confirmLife() { send("WATCHDOG=1") }

    /// Best effort: without the manager the service goes on.
    private func send(_ text: String) {
        var text = text
        _ = text.withUTF8 { SequencedPacketSocket.send(UnsafeRawBufferPointer($0), on: socket.raw) }
    }

    private static func line(_ text: String) -> String { String(text.map { $0.isNewline ? " " : $0 }) }

    fileprivate static func text(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }
}

/// A listening socket that a service manager has opened.
public struct InheritedSocket: ~Copyable, Sendable {
    /// What kind of socket it is.
    public enum Kind: Sendable, Equatable {
        /// A Unix socket with message boundaries, at this path; empty without one.
        case packets(path: String)
        /// A Unix socket without message boundaries.
        case stream(path: String)
        /// TCP, IPv4 or IPv6, at this port.
        case tcp(port: Int)
        /// Another one, or a descriptor that is no listening socket.
        case other
    }

    /// The name that the manager gives it; `nil` without one.
    public let name: String?
    /// Its kind.
    public let kind: Kind
    /// Its descriptor, close-on-exec.
    public let descriptor: OwnedDescriptor

    fileprivate init(_ raw: CInt, name: String?) {
        descriptor = OwnedDescriptor(adopting: raw)
        self.name = name
        _ = fcntl(raw, F_SETFD, FD_CLOEXEC)
        guard clinux_socket_listens(raw) == 1 else {
            kind = .other
            return
        }
        var path = [CChar](repeating: 0, count: Int(CLINUX_UNIX_PATH_MAX) + 1)
        _ = clinux_socket_path(raw, &path, path.count)
        let text = String(decoding: path.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        switch (clinux_socket_domain(raw), clinux_socket_type(raw)) {
        case (AF_UNIX, CInt(SOCK_SEQPACKET.rawValue)): kind = .packets(path: text)
        case (AF_UNIX, CInt(SOCK_STREAM.rawValue)): kind = .stream(path: text)
        case (AF_INET, CInt(SOCK_STREAM.rawValue)), (AF_INET6, CInt(SOCK_STREAM.rawValue)):
            kind = .tcp(port: Int(clinux_socket_port(raw)))
        default: kind = .other
        }
    }

    /// Its descriptor; the rest is forgotten.
    public consuming func takeDescriptor() -> OwnedDescriptor { descriptor }

    /// Calls `body` with each socket that the manager has passed to this process, and removes the variables that name them.
    /// Call it once, before anything else is opened.
    ///
    /// C: `sd_listen_fds_with_names`
    public static func forEach<Failure: Error>(
        _ body: (consuming InheritedSocket) throws(Failure) -> Void
    ) throws(Failure) {
        let names = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]
        let values = names.map(ServiceManager.text)
        for name in names { unsetenv(name) }
        guard values[0] == "\(getpid())", let count = values[1].flatMap({ CInt($0) }), (1...256).contains(count) else {
            return
        }
        let given = values[2]?.split(separator: ":", omittingEmptySubsequences: false).map(String.init) ?? []
        for number in 0..<count {
            let name = given.indices.contains(Int(number)) ? given[Int(number)] : nil
            // 3: SD_LISTEN_FDS_START.
            try body(InheritedSocket(3 + number, name: name == "" || name == "unknown" ? nil : name))
        }
    }
}
