import ControllerProtocol
import DomainLink
import Glibc
import LinuxSystem
import TestSupport
import Testing

/// A second descriptor of a socket, so that a pair can be given to two owners.
func dupped(_ descriptor: borrowing OwnedDescriptor) -> OwnedDescriptor {
    OwnedDescriptor(adopting: fcntl(descriptor.raw, F_DUPFD_CLOEXEC, 0))
}

@Suite struct UntrustedGuestTests {
    private static func start(silence: Duration = .seconds(20)) throws -> (host: TestEnd, guest: RawGuest) {
        let streams = try StreamSocket.pair()
        let guest = RawGuest(dupped(streams.second))
        return (try TestEnd(.host, over: dupped(streams.first), silence: silence), guest)
    }

    @Test func `a session begins after any bytes`() throws {
        let (host, guest) = try Self.start(silence: .milliseconds(500))
        var random = SeededGenerator(for: "bytes before a session")
        for round in UInt64(1)...5 {
            for _ in 0..<16 {
                var bytes = (0..<60_000).map { _ in UInt8.random(in: 0...255, using: &random) }
                // Headers that announce long payloads.
                for place in stride(from: 0, to: 50_000, by: 9_000) {
                    let header = FrameDecoderTests.Sample(
                        .packet, nonce: round, payload: [UInt8](repeating: 0, count: 9_000)
                    ).bytes.prefix(24)
                    bytes.replaceSubrange(place..<place + 24, with: header)
                }
                guest.send(bytes)
            }
            try guest.begin(nonce: 100 + round)
        }
        #expect(host.link.statistics.skippedBytes > 1_000_000)
        #expect(host.record.withLock { $0.begun } == 5)
    }

    @Test func `frames of another session, or before any, do nothing`() throws {
        let (host, guest) = try Self.start()
        guest.open(nonce: 5, connection: 1)
        try guest.begin(nonce: 6)
        guest.open(nonce: 5, connection: 1)
        guest.send(.packet, nonce: 6, connection: 1, payload: [1])
        guest.send(.close, nonce: 6, connection: 77)
        guest.open(nonce: 6, connection: 3)
        _ = try host.service(3)
        #expect(host.record.withLock { Array($0.services.keys) } == [3])
        #expect(host.link.statistics.droppedFrames == 4)
        #expect(host.record.withLock { $0.ends } == [])
    }

    @Test(arguments: [0 as UInt32, 2, 3]) func `a number that the guest may not use ends the session`(
        number: UInt32
    ) throws {
        let (host, guest) = try Self.start()
        try guest.begin(nonce: 6)
        guest.open(nonce: 6, connection: 3)
        _ = try host.service(3)
        guest.open(nonce: 6, connection: number)
        let failure = try #require(try guest.next(heartbeat: 6) { $0.header.kind == .failed })
        #expect(String(decoding: failure.payload, as: UTF8.self).contains("cannot be opened"))
        #expect(host.record.withLock { $0.ends.count } == 1)
    }

    @Test func `a reset guest gets a session when the services of the old one have closed`() throws {
        let (host, guest) = try Self.start(silence: .milliseconds(500))
        try guest.begin(nonce: 6)
        guest.open(nonce: 6, connection: 1)
        let service = try host.service(1)
        // The reset comes in the middle of a frame.
        guest.send(Array(FrameDecoderTests.Sample(.packet, nonce: 6, payload: Array(0...255)).bytes.prefix(100)))
        let deadline = ContinuousClock.now + .seconds(2)
        var answered = false
        while ContinuousClock.now < deadline, !answered {
            guest.greet(nonce: 7)
            answered = try guest.next(within: .milliseconds(100)) { $0.header.nonce == 7 } != nil
        }
        // The service has its socket: the memory of the old session is in use.
        #expect(!answered)
        #expect(host.record.withLock { $0.ends.count } == 1)
        #expect(try service.receive() == [])
        host.record.withLock { $0.services = [:] }
        _ = consume service
        try guest.begin(nonce: 7)
        guest.open(nonce: 7, connection: 1)
        _ = try host.service(1)
    }

    @Test func `silence ends the session`() throws {
        let (host, guest) = try Self.start(silence: .milliseconds(300))
        try guest.begin(nonce: 6)
        guest.open(nonce: 6, connection: 1)
        let service = try host.service(1)
        #expect(try service.receive() == [])
        try eventually("the host says why") {
            host.record.withLock { $0.ends.first }?.contains("nothing was received") == true
        }
    }

    @Test func `a guest that opens and does not read ends its session only`() throws {
        let (host, guest) = try Self.start()
        try guest.begin(nonce: 6)
        // Each refused connection causes an answer.
        var number: UInt32 = 1
        var flood: [UInt8] = []
        let payload = OpenRequest.telemetry(source: "x").withPayload { Array($0) }
        while host.record.withLock({ $0.ends.isEmpty }), number < 2_000_000 {
            flood.removeAll(keepingCapacity: true)
            for _ in 0..<1000 {
                flood += FrameDecoderTests.Sample(.bell, nonce: 6, connection: number).bytes
                flood += FrameDecoderTests.Sample(.open, nonce: 6, connection: number, payload: payload).bytes
                number += 2
            }
            guest.send(flood)
        }
        #expect(host.record.withLock { $0.ends.count } == 1)
        #expect(host.link.statistics.connections == 0)
        host.record.withLock { $0.services = [:] }
        while try guest.next(within: .milliseconds(300), { _ in true }) != nil {}
        try guest.begin(nonce: 7)
    }

    @Test func `a guest that stops reading stops its own services, then loses its session`() throws {
        let (host, guest) = try Self.start(silence: .milliseconds(400))
        try guest.begin(nonce: 6)
        guest.open(nonce: 6, connection: 1)
        let service = try host.service(1)
        let packet = [UInt8](repeating: 9, count: 2000)
        var taken = 0
        while host.record.withLock({ $0.ends.isEmpty }) {
            if service.send(packet, waits: false) { taken += packet.count } else { usleep(1000) }
            guest.send(.heartbeat, nonce: 6)
        }
        #expect(taken < 4 << 20)
        #expect(host.record.withLock { $0.ends[0] }.contains("has read nothing"))
    }

    @Test func `a stream that ends in the middle of a session is opened again`() throws {
        let streams = try StreamSocket.pair()
        let host = try TestEnd(.host, over: dupped(streams.first))
        do {
            let guest = RawGuest(dupped(streams.second))
            try guest.begin(nonce: 6)
            guest.open(nonce: 6, connection: 1)
        }
        shutdown(streams.second.raw, CInt(SHUT_RDWR))
        try eventually("the session ends") { host.record.withLock { $0.ends.count } == 1 }
        #expect(host.record.withLock { $0.ends[0] }.contains("closed the stream"))
    }
}
