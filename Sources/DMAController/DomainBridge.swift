internal import ControllerProtocol
package import DomainLink
internal import Glibc
internal import LinuxSystem
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
    public init(
        domain: OSDomain, channel: String, controller: DMAController, logger: Logger
    ) throws(ControllerError) {
        self.domain = domain.name
        self.channel = channel
        do throws(Errno) {
            link = try DomainLink(
                name: "dma-bridge", configuration: DomainLink.Configuration(side: .host),
                connect: { () throws(Errno) in try StreamSocket.connect(to: channel) },
                makeDelegate: { BridgeDelegate(domain, channel, controller, logger) })
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
    private var isConnectErrorLogged = false
    private var limiter = LogRateLimiter(), refusalLimiter = LogRateLimiter()

    init(_ domain: OSDomain, _ channel: String, _ controller: DMAController, _ logger: Logger) {
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
        // The doorbell of the welcome: no other message of a controller to a guest has a descriptor.
        if let descriptor = descriptors.takeFirst() {
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
}
