import DomainLink
import Glibc
import LinuxSystem
import SystemPackage
import TestSupport

/// One end of a link, with a delegate that records what it is told.
final class TestEnd: Sendable {
    /// What the delegate was told, and the local sockets.
    struct Record {
        var begun = 0
        var ends: [String] = []
        /// Set: no session begins.
        var refusal: String?
        var opened: [UInt32] = []
        var requests: [OpenRequest] = []
        var closed: [UInt32] = []
        var rung: [UInt32] = []
        var sources: [SourceList] = []
        /// The services' ends of the connections that the other side opened.
        var services: [UInt32: OwnedSocket] = [:]
        /// What the link's thread does next.
        var tasks: [@Sendable (DomainLinkLoop) -> Void] = []
    }

    let record = Locked(Record())
    let link: DomainLink
    private let wake: EventDescriptor

    init(
        _ side: DomainLink.Side, over stream: consuming OwnedDescriptor, silence: Duration = .seconds(20),
        maximumConnections: Int = 1024, refusal: String? = nil
    ) throws {
        var configuration = DomainLink.Configuration(side: side)
        configuration.silence = silence
        configuration.heartbeat = .milliseconds(20)
        configuration.retry = .milliseconds(20)
        configuration.maximumConnections = maximumConnections
        let streams = Locked<[CInt]>([stream.release()])
        record.withLock { $0.refusal = refusal }
        let wake = try EventDescriptor()
        let raw = wake.raw
        self.wake = wake
        let record = record
        link = try DomainLink(
            name: "test-link", configuration: configuration,
            connect: { () throws(Errno) in
                guard let stream = streams.withLock({ $0.popLast() }) else { throw .connectionRefused }
                return OwnedDescriptor(adopting: stream)
            }, makeDelegate: { TestDelegate(record, raw) })
    }

    deinit {
        link.stop()
    }

    /// Runs a task on the link's thread.
    func perform(_ task: @escaping @Sendable (DomainLinkLoop) -> Void) {
        record.withLock { $0.tasks.append(task) }
        wake.signal()
    }

    /// Opens a connection of a guest; returns the application's end of its socket, blocking.
    func connect() throws -> OwnedSocket {
        let pair = try SequencedPacketSocket.pair()
        _ = fcntl(pair.first.raw, F_SETFL, O_NONBLOCK)
        let application = OwnedSocket(raw: dup(pair.second.raw)), raw = dup(pair.first.raw)
        _ = fcntl(raw, F_SETFL, O_NONBLOCK)
        let before = record.withLock { $0.opened.count }
        let record = record
        perform { link in
            let number = link.open(.control(processID: 1, userID: 2, identity: 3), for: OwnedDescriptor(adopting: raw))
            record.withLock { $0.opened.append(number ?? 0) }
        }
        try eventually("the connection is opened") { record.withLock { $0.opened.count > before } }
        return application
    }

    /// The service's end of the newest connection that the other side has opened.
    func service(_ number: UInt32) throws -> OwnedSocket {
        try eventually("connection \(number) has a service") { record.withLock { $0.services[number] } }
    }
}

/// A blocking socket that is closed with its last reference.
final class OwnedSocket: Sendable {
    let raw: CInt

    init(raw: CInt) {
        self.raw = raw
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(raw, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        close(raw)
    }

    /// Sends a packet; whether it was taken.
    @discardableResult
    func send(_ bytes: [UInt8], waits: Bool = true) -> Bool {
        bytes.withUnsafeBytes {
            Glibc.send(raw, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL) | (waits ? 0 : CInt(MSG_DONTWAIT)))
        } == bytes.count
    }

    /// The next packet; empty: the end. Waits at most 30 s.
    func receive() throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: FrameHeader.maximumPayloadLength)
        let count = recv(raw, &bytes, bytes.count, 0)
        guard count >= 0 else {
            if errno == ECONNRESET { return [] }
            throw TestSupportError("recv: \(errno)")
        }
        return Array(bytes.prefix(count))
    }
}

private final class TestDelegate: DomainLinkDelegate {
    let record: Locked<TestEnd.Record>
    let wake: CInt

    init(_ record: Locked<TestEnd.Record>, _ wake: CInt) {
        self.record = record
        self.wake = wake
    }

    func started(_ link: DomainLinkLoop) {
        try? link.watch(wake, [.readable, .edgeTriggered], token: 5)
    }

    func cannotConnect(_ error: Errno) {}

    func makeWelcome() throws(SessionFailure) -> LinkWelcome {
        if let refusal = record.withLock({ $0.refusal }) { throw SessionFailure(refusal) }
        record.withLock { $0.begun += 1 }
        return LinkWelcome(regionByteCount: 1 << 20, domain: "one")
    }

    func begin(_ welcome: LinkWelcome) throws(SessionFailure) {
        if let refusal = record.withLock({ $0.refusal }) { throw SessionFailure(refusal) }
        record.withLock { $0.begun += 1 }
    }

    func sessionEnded(_ reason: String, on link: DomainLinkLoop) {
        record.withLock { $0.ends.append(reason) }
    }

    func open(_ request: OpenRequest, as connection: UInt32, of link: DomainLinkLoop) -> OwnedDescriptor? {
        guard let pair = try? SequencedPacketSocket.pair() else { return nil }
        let service = OwnedSocket(raw: dup(pair.second.raw)), local = dup(pair.first.raw)
        _ = fcntl(local, F_SETFL, O_NONBLOCK)
        record.withLock {
            $0.requests.append(request)
            $0.services[connection] = service
        }
        return OwnedDescriptor(adopting: local)
    }

    func receivedLocally(
        _ packet: UnsafeRawBufferPointer, _ descriptors: inout ReceivedDescriptors, on connection: UInt32,
        of link: DomainLinkLoop
    ) -> Bool { true }

    func received(_ packet: UnsafeRawBufferPointer, on connection: UInt32, of link: DomainLinkLoop) -> [CInt] { [] }

    func rang(_ connection: UInt32) { record.withLock { $0.rung.append(connection) } }

    func received(_ sources: SourceList, on link: DomainLinkLoop) { record.withLock { $0.sources.append(sources) } }

    func closed(_ connection: UInt32, of link: DomainLinkLoop) { record.withLock { $0.closed.append(connection) } }

    func ready(_ token: UInt64, on link: DomainLinkLoop) {
        let tasks = record.withLock { record in
            defer { record.tasks = [] }
            return record.tasks
        }
        for task in tasks { task(link) }
    }
}
