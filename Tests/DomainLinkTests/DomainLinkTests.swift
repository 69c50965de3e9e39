import ControllerProtocol
import DomainLink
import LinuxSystem
import TestSupport
import Testing

@Suite struct DomainLinkTests {
    private static func pair(maximumConnections: Int = 1024) throws -> (host: TestEnd, guest: TestEnd) {
        let streams = try StreamSocket.pair()
        let host = try TestEnd(
            .host, over: dupped(streams.first), maximumConnections: maximumConnections)
        let guest = try TestEnd(.guest, over: dupped(streams.second))
        try eventually("the session begins") { guest.link.statistics.hasSession && host.link.statistics.hasSession }
        return (host, guest)
    }

    @Test func `packets arrive whole and in order in both directions`() throws {
        let (host, guest) = try Self.pair()
        let application = try guest.connect()
        let service = try host.service(1)
        #expect(host.record.withLock { $0.requests } == [.control(processID: 1, userID: 2, identity: 3)])
        for length in [1, 2048, 131_072, 5, FrameHeader.maximumPayloadLength] {
            let packet = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ length) }
            application.send(packet)
            #expect(try service.receive() == packet)
            service.send(packet.reversed())
            #expect(try application.receive() == packet.reversed())
        }
        for number in UInt8(0)...200 { application.send([number]) }
        for number in UInt8(0)...200 { #expect(try service.receive() == [number]) }
    }

    @Test func `a connection ends for its opener when the service has closed it`() throws {
        let (host, guest) = try Self.pair()
        do {
            let application = try guest.connect()
            application.send([1])
        }
        let service = try host.service(1)
        #expect(try service.receive() == [1])
        #expect(try service.receive() == [])
        // The service is still there: what belongs to the connection is not free.
        let other = try guest.connect()
        other.send([2])
        #expect(try host.service(3).receive() == [2])
        #expect(guest.record.withLock { $0.closed } == [])
        host.record.withLock { $0.services[1] = nil }
        _ = consume service
        try eventually("the guest hears that the connection is closed") {
            guest.record.withLock { $0.closed } == [1]
        }
        #expect(host.record.withLock { $0.closed } == [1])
    }

    @Test func `an application sees the end that its service makes`() throws {
        let (host, guest) = try Self.pair()
        let application = try guest.connect()
        _ = try host.service(1)
        host.record.withLock { $0.services = [:] }
        #expect(try application.receive() == [])
        try eventually("both forget it") {
            guest.record.withLock { $0.closed } == [1] && host.record.withLock { $0.closed } == [1]
        }
    }

    @Test func `an application that does not read loses its connection, others do not`() throws {
        let (host, guest) = try Self.pair()
        let idle = try guest.connect()
        let other = try guest.connect()
        let (service, otherService) = (try host.service(1), try host.service(3))
        let packet = [UInt8](repeating: 1, count: 2000)
        try eventually("the connection ends") {
            service.send(packet, waits: false)
            return guest.link.statistics.unreadConnections == 1
        }
        // The service closes its end as a controller does.
        host.record.withLock { $0.services[1] = nil }
        otherService.send([7])
        #expect(try other.receive() == [7])
        withExtendedLifetime(idle) {}
        #expect(guest.link.statistics.hasSession)
    }

    @Test func `doorbells arrive, and only those of existing connections`() throws {
        let (host, guest) = try Self.pair()
        let application = try guest.connect()
        _ = try host.service(1)
        guest.perform { link in
            link.ring(99)
            for _ in 0..<1000 { link.ring(1) }
        }
        try eventually("the bell rings") { host.record.withLock { !$0.rung.isEmpty } }
        let rung = host.record.withLock { $0.rung }
        #expect(Set(rung) == [1])
        // Those that arrived together are one.
        #expect(rung.count < 1000)
        withExtendedLifetime(application) {}
    }

    @Test func `too many connections are refused one by one`() throws {
        let (host, guest) = try Self.pair(maximumConnections: 2)
        let applications = [try guest.connect(), try guest.connect(), try guest.connect()]
        #expect(try applications[2].receive() == [])
        applications[0].send([1])
        #expect(try host.service(1).receive() == [1])
        #expect(host.link.statistics.refusedConnections == 1)
    }

    @Test func `a stop of one side ends the other side's session with the reason`() throws {
        let (host, guest) = try Self.pair()
        let application = try guest.connect()
        _ = try host.service(1)
        host.record.withLock { $0.services = [:] }
        host.link.stop()
        #expect(try application.receive() == [])
        try eventually("the guest's session has ended") { guest.record.withLock { !$0.ends.isEmpty } }
        #expect(guest.record.withLock { $0.ends[0] }.contains("the service ends"))
    }

    @Test(arguments: [true, false]) func `a side that refuses the session says why`(isHost: Bool) throws {
        let streams = try StreamSocket.pair()
        let host = try TestEnd(.host, over: dupped(streams.first))
        let other = dupped(streams.second)
        if isHost { host.record.withLock { $0.refusal = "the memory is too small" } }
        let guest = try TestEnd(.guest, over: other, refusal: isHost ? nil : "the memory is too small")
        try eventually("the other side has the reason") {
            (isHost ? guest : host).record.withLock { $0.ends.contains { $0.contains("the memory is too small") } }
        }
        (isHost ? host : guest).record.withLock { $0.refusal = nil }
        try eventually("a session begins") { guest.link.statistics.hasSession && host.link.statistics.hasSession }
    }

    @Test func `the list of telemetry sockets arrives`() throws {
        let (host, guest) = try Self.pair()
        guest.perform { $0.send(SourceList(["dmascope", "dpdk:1"])) }
        try eventually("it arrives") { host.record.withLock { $0.sources } == [SourceList(["dmascope", "dpdk:1"])] }
    }
}
