internal import ControllerProtocol
package import DomainLink
internal import Glibc
package import LinuxSystem
public import Logging
internal import SystemPackage

/// Connects the processes of a guest to a controller: the host's end of the guest's channel, a byte stream.
///
/// The guest's end is `DomainBroker`. Each of its connections becomes a socket of ``DMAController/connect(_:domain:process:)``.
/// The guest hears that a connection is closed when the controller uses none of its memory any more.
public final class DomainBridge: Sendable {
    /// The guest's name.
    public let domain: String
    /// The path of the channel's socket.
    public let channel: String

    private let link: DomainLink

    /// Starts a bridge. It connects to the channel when there is one, and again after its end, each second.
    ///
    /// - Parameters:
    ///   - domain: of the controller's configuration.
    ///   - channel: the path of a Unix stream socket, such as that of a QEMU character device; QEMU listens.
    ///   - controller: what the guest's processes connect to. Stop the bridge first.
    ///   - logger: for sessions and their ends.
    /// - Throws: ``ControllerError`` when no thread or descriptors are left.
    public convenience init(
        domain: OSDomain, channel: String, controller: DMAController, logger: Logger
    ) throws(ControllerError) {
        try self.init(domain: domain, channel: channel, controller: controller, logger: logger) { _ in nil }
    }

    /// Makes a socket that stands for a telemetry socket of the guest; `nil`: it cannot be made.
    package typealias TelemetrySockets = @Sendable (_ filePrefix: String) -> ListeningSocket?

    /// The same, with the telemetry of the guest.
    ///
    /// - Parameter telemetrySocket: called on the bridge's thread for each telemetry socket of the guest, with the prefix
    ///   `NAME.PREFIX` of the guest's name and the prefix there.
    package init(
        domain: OSDomain, channel: String, controller: DMAController, logger: Logger,
        telemetrySocket: @escaping TelemetrySockets
    ) throws(ControllerError) {
        self.domain = domain.name
        self.channel = channel
        do throws(Errno) {
            link = try DomainLink(
                name: "dma-bridge", configuration: DomainLink.Configuration(side: .host),
                connect: { () throws(Errno) in try StreamSocket.connect(to: channel) },
                makeDelegate: { BridgeDelegate(domain, channel, controller, logger, telemetrySocket) })
        } catch {
            throw ControllerError("cannot start the bridge to \(domain.name): \(error)")
        }
    }

    /// Ends the session, and waits for the thread. Any thread may call it, any number of times.
    public func stop() {
        link.stop()
    }

    /// A snapshot of its counters. Any thread.
    package var statistics: LinkStatistics { link.statistics }
}

/// For the link's thread.
private final class BridgeDelegate: DomainLinkDelegate {
    private let domain: OSDomain
    private let channel: String
    private let controller: DMAController
    private let logger: Logger
    /// The doorbells of the connections whose welcome has passed.
    private var bells: [UInt32: Peer.Bell] = [:]
    private let telemetrySocket: DomainBridge.TelemetrySockets
    /// The sockets that stand for those of the guest, by the names that it gives them.
    private var sources: [String: Source] = [:]
    private var nextToken: UInt64 = 0
    private var isConnectErrorLogged = false
    private var limiter = LogRateLimiter(), refusalLimiter = LogRateLimiter()

    /// A class, so that a dictionary can contain it.
    private final class Source {
        let token: UInt64
        let socket: ListeningSocket

        init(_ socket: consuming ListeningSocket, token: UInt64) {
            self.socket = socket
            self.token = token
        }
    }

    init(
        _ domain: OSDomain, _ channel: String, _ controller: DMAController, _ logger: Logger,
        _ telemetrySocket: @escaping DomainBridge.TelemetrySockets
    ) {
        self.telemetrySocket = telemetrySocket
        self.domain = domain
        self.channel = channel
        self.controller = controller
        self.logger = logger
    }

    private var metadata: Logger.Metadata { ["os_domain": "\(domain.name)", "channel": "\(channel)"] }

    func started(_ link: DomainLinkLoop) {}

    func cannotConnect(_ error: Errno) {
        guard !isConnectErrorLogged else { return }
        isConnectErrorLogged = true
        logger.notice(
            "the channel to a guest is not there yet; it is tried again each second",
            metadata: metadata.merging(["error": "\(error)"]) { $1 })
    }

    func makeWelcome() throws(SessionFailure) -> LinkWelcome {
        isConnectErrorLogged = false
        // The guest can have been started with another file since the controller's start.
        var status = stat()
        guard stat(domain.memory, &status) == 0, status.st_size > 0 else {
            throw SessionFailure("the host has no memory of \(domain.name) any more: start the guest again")
        }
        if let suppressed = limiter.admit() {
            logger.notice(
                "a guest has connected", metadata: metadata.merging(["suppressed": "\(suppressed)"]) { $1 })
        }
        return LinkWelcome(regionByteCount: UInt64(status.st_size), domain: domain.name)
    }

    func sessionEnded(_ reason: String, on link: DomainLinkLoop) {
        isConnectErrorLogged = false
        bells = [:]
        offer([], on: link)
        if let suppressed = limiter.admit() {
            logger.notice(
                "the session of a guest has ended",
                metadata: metadata.merging(["reason": "\(reason)", "suppressed": "\(suppressed)"]) { $1 })
        }
    }

    func open(_ request: OpenRequest, as connection: UInt32, of link: DomainLinkLoop) -> OwnedDescriptor? {
        guard case .control(let processID, let userID, let identity) = request else { return nil }
        do throws(Errno) {
            let ends = try SequencedPacketSocket.pair(nonblocking: true).release()
            let local = OwnedDescriptor(adopting: ends.first)
            do throws(ControllerError) {
                try controller.connect(
                    OwnedDescriptor(adopting: ends.second), domain: domain.name,
                    process: GuestProcess(pid: processID, uid: userID, session: link.nonce, identity: identity))
            } catch {
                refuse(error.description)
                return nil
            }
            return local
        } catch {
            refuse("\(error)")
            return nil
        }
    }

    private func refuse(_ reason: String) {
        guard let suppressed = refusalLimiter.admit() else { return }
        logger.warning(
            "refused the connection of a guest's process",
            metadata: metadata.merging(["reason": "\(reason)", "suppressed": "\(suppressed)"]) { $1 })
    }

    func receivedLocally(
        _ packet: UnsafeRawBufferPointer, _ descriptors: inout ReceivedDescriptors, on connection: UInt32,
        of link: DomainLinkLoop
    ) -> Bool {
        // The doorbell of the welcome: no other message of a controller to a guest has a descriptor. The connections that the
        // guest has opened are odd; the others are clients of its telemetry.
        if !connection.isMultiple(of: 2), let descriptor = descriptors.takeFirst() {
            bells[connection] = Peer.Bell(EventDescriptor(adopting: descriptor))
        }
        return true
    }

    func received(_ packet: UnsafeRawBufferPointer, on connection: UInt32, of link: DomainLinkLoop) -> [CInt] {
        []
    }

    func rang(_ connection: UInt32) {
        bells[connection]?.event.signal()
    }

    func closed(_ connection: UInt32, of link: DomainLinkLoop) {
        bells[connection] = nil
    }

    // MARK: Telemetry

    func received(_ list: SourceList, on link: DomainLinkLoop) {
        offer(Set(list.names), on: link)
    }

    /// Listens for each telemetry socket of the guest, and for no others.
    private func offer(_ names: Set<String>, on link: DomainLinkLoop) {
        for (name, source) in sources where !names.contains(name) {
            link.unwatch(source.socket.raw)
            sources[name] = nil
        }
        for name in names.sorted() where sources[name] == nil {
            guard let prefix = Self.filePrefix(in: name), let socket = telemetrySocket("\(domain.name).\(prefix)")
            else { continue }
            let source = Source(socket, token: nextToken)
            nextToken += 1
            guard (try? link.watch(source.socket.raw, .readable, token: source.token)) != nil else { continue }
            sources[name] = source
        }
    }

    /// The prefix in `PREFIX` or `PREFIX:INSTANCE`. It becomes the name of a directory, and the guest chooses it.
    private static func filePrefix(in name: String) -> Substring? {
        let prefix = name.prefix { $0 != ":" }
        let isValid = prefix.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        return isValid && (1...64).contains(prefix.utf8.count) ? prefix : nil
    }

    func ready(_ token: UInt64, on link: DomainLinkLoop) {
        guard let (name, source) = sources.first(where: { $0.value.token == token }),
            let client = try? source.socket.accept(nonblocking: true)
        else { return }
        _ = link.open(.telemetry(source: name), for: client)
    }
}
