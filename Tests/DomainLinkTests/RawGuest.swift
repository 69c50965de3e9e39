import ControllerProtocol
import DomainLink
import Glibc
import LinuxSystem
import TestSupport

/// A guest that sends any bytes.
final class RawGuest {
    private let stream: OwnedDescriptor
    private var decoder = FrameDecoder()
    private var received: [FrameDecoderTests.Sample] = []

    init(_ stream: consuming OwnedDescriptor) {
        _ = fcntl(stream.raw, F_SETFL, 0)
        var limit = timeval(tv_sec: 0, tv_usec: 200_000)
        setsockopt(stream.raw, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(stream.raw, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        self.stream = stream
    }

    /// Sends all bytes, or as many as the stream takes; returns whether it took all.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(stream.raw, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    @discardableResult
    func send(_ kind: FrameKind, nonce: UInt64, connection: UInt32 = 0, payload: [UInt8] = []) -> Bool {
        send(FrameDecoderTests.Sample(kind, nonce: nonce, connection: connection, payload: payload).bytes)
    }

    func greet(nonce: UInt64) { send(.hello, nonce: nonce, payload: LinkHello().withPayload { Array($0) }) }

    func open(nonce: UInt64, connection: UInt32) {
        let request = OpenRequest.control(processID: 7, userID: 8, identity: 9)
        send(.open, nonce: nonce, connection: connection, payload: request.withPayload { Array($0) })
    }

    /// Greets until the host answers.
    func begin(nonce: UInt64) throws {
        try eventually("the host answers the greeting \(nonce)") {
            greet(nonce: nonce)
            return try next(within: .milliseconds(300)) { $0.header.kind == .welcome && $0.header.nonce == nonce }
                != nil
        }
    }

    /// The next frame that matches; others before it are dropped. Heartbeats are sent meanwhile.
    func next(
        within limit: Duration = .seconds(30), heartbeat nonce: UInt64? = nil,
        _ matches: (FrameDecoderTests.Sample) -> Bool
    ) throws -> FrameDecoderTests.Sample? {
        let deadline = ContinuousClock.now + limit
        while true {
            while !received.isEmpty {
                let frame = received.removeFirst()
                if matches(frame) { return frame }
            }
            guard ContinuousClock.now < deadline else { return nil }
            if let nonce { send(.heartbeat, nonce: nonce) }
            let raw = stream.raw
            let count = decoder.receive { max(read(raw, $0.baseAddress, $0.count), 0) }
            while let frame = decoder.next() { received.append(.init(frame)) }
            if count == 0, errno != EAGAIN { return nil }
        }
    }
}
