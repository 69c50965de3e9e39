internal import ControllerProtocol
package import DomainLink
internal import LinuxSystem
public import Logging
internal import SystemPackage

/// Serves the processes of a guest by the controller of its host: applications connect to its control socket as to a
/// controller's, and it passes their messages on.
///
/// It owns the memory that is shared with the host, and gives parts of it to the applications. One thread does all of it.
public final class DomainBroker: Sendable {
    /// The path of the control socket.
    public let path: String
    /// What is shared with the host.
    public let place: BrokerPlace

    private let link: DomainLink
    private let published: Locked<BrokerStatistics>

    /// Starts a broker.
    ///
    /// - Parameters:
    ///   - path: of the control socket, in a directory that no other user can write to; a missing one is created.
    ///   - place: what is shared with the host.
    ///   - socketMode: decides who may connect.
    ///   - socketGroup: the group of the socket; `nil`: that of the process.
    ///   - telemetry: finds the telemetry sockets that the host may read, by unique names `PREFIX` or `PREFIX:INSTANCE`;
    ///     called each second on the broker's thread.
    ///   - logger: for sessions and their ends.
    /// - Throws: ``BrokerError``; nothing is left behind then.
    public init(
        path: String, place: BrokerPlace, socketMode: UInt16 = 0o660, socketGroup: UInt32? = nil,
        telemetry: @escaping @Sendable () -> [String: String] = { [:] }, logger: Logger
    ) throws(BrokerError) {
        // Four per connection: socket, process, doorbell, and one while it is accepted.
        DescriptorLimit.raise(to: 4 * 1024 + 64)
        let listener: BrokerListener
        do throws(SocketFile.Failure) {
            listener = BrokerListener(try ListeningSocket(forUsersAt: path, mode: socketMode, group: socketGroup))
        } catch {
            guard error.kind == .inUse else { throw BrokerError(error.description) }
            throw BrokerError("another controller already uses \(path); use another path", isTaken: true)
        }
        let memory = try place.openMemory()
        let region = BrokerRegion(OwnedDescriptor(adopting: memory.descriptor), byteCount: memory.byteCount)
        let published = Locked(BrokerStatistics())
        var configuration = DomainLink.Configuration(side: .guest)
        // A virtio port shows in this way only that the host has connected.
        configuration.retry = .milliseconds(250)
        do throws(Errno) {
            link = try DomainLink(
                name: "dma-broker", configuration: configuration,
                connect: { () throws(Errno) in try place.openChannel() },
                makeDelegate: { BrokerDelegate(listener, region, place, published, telemetry, logger) })
        } catch {
            throw BrokerError("cannot start the broker: \(error)")
        }
        self.path = path
        self.place = place
        self.published = published
    }

    /// Ends all connections and the session, removes the socket, and waits for the thread. Any thread may call it, any
    /// number of times.
    public func stop() {
        link.stop()
    }

    /// A snapshot of its counts. Any thread.
    public var statistics: BrokerStatistics { published.withLock { $0 } }

    /// A snapshot of the channel's counters. Any thread.
    package var channelStatistics: LinkStatistics { link.statistics }
}

/// What a broker shows of itself.
public struct BrokerStatistics: Sendable, Equatable {
    /// The name that the host has given this guest; `nil`: there is no session.
    public var domain: String?
    /// Open connections of applications, and those whose memory the host still uses.
    public var connections = 0
    /// Bytes of the shared memory that can be allocated, and those that are.
    public var regionByteCount: UInt64 = 0, allocatedByteCount: UInt64 = 0

    /// No session.
    public init() {}
}

/// The control socket. A class, so that a closure can pass it to the thread.
final class BrokerListener: Sendable {
    let socket: ListeningSocket

    init(_ socket: consuming ListeningSocket) {
        self.socket = socket
    }
}

/// The memory that is shared with the host.
final class BrokerRegion: Sendable {
    let descriptor: OwnedDescriptor
    let byteCount: UInt64

    init(_ descriptor: consuming OwnedDescriptor, byteCount: UInt64) {
        self.descriptor = descriptor
        self.byteCount = byteCount
    }
}
