import Glibc
import LinuxSystem
import SystemPackage
import TelemetryServer
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

/// Each kind of client that is no model of good conduct, with a healthy one beside.
@Suite struct ClientBehaviourTests {
    @Test func aThousandClientsAtOnceAreServed() throws {
        DescriptorLimit.raise(to: 8192)
        let test = try TestServer()
        let clients = try (0..<1000).map { _ in try test.connect() }
        for client in clients { #expect(client.send("/info") == nil) }
        for client in clients {
            guard case .text(let reply) = client.receive() else {
                Issue.record("a client got no reply")
                return
            }
            #expect(reply.hasPrefix(#"{"/info":"#))
        }
        #expect(clients[999].value("/telemetry/stats")?["clients"]?.integer == 1000)
        #expect(clients[0].value("/telemetry/clients")?["clients"]?.elements.count == 1000)
    }

    @Test func aSlowClientDelaysNobodyAndLosesNothing() throws {
        let test = try TestServer([.text("/big", length: 100_000)])
        let slow = try test.connect()
        let healthy = try test.connect()
        var sent = 0
        // Until the server does not read any more, because its replies are not read.
        while slow.send("/big,\(sent)") == nil, sent < 10_000 { sent += 1 }
        #expect(sent > 2 && sent < 10_000)
        for _ in 0..<100 { #expect(healthy.ask("/info") != nil) }
        let rows = healthy.value("/telemetry/clients")?["clients"]?.elements ?? []
        #expect(rows.map { $0["pending_bytes"]?.integer ?? 0 }.max().map { (100_000..<100_100).contains($0) } == true)
        for number in 0..<sent {
            guard case .text(let reply) = slow.receive() else {
                Issue.record("reply \(number) of \(sent) is missing")
                return
            }
            #expect(reply.utf8.count == 100_000 + #"{"/big":""}"#.utf8.count)
        }
        #expect(slow.value("/info") != nil)
        #expect(healthy.value("/telemetry/stats")?["dropped_clients"]?.integer == 0)
    }

    @Test func outputThatNobodyReadsIsBounded() throws {
        var configuration = TelemetryServer.Configuration()
        configuration.maximumPendingBytes = 250_000
        let test = try TestServer([.text("/big", length: 100_000)], configuration: configuration)
        let slow = try (0..<5).map { _ in try test.connect() }
        let healthy = try test.connect()
        for client in slow {
            for _ in 0..<10 where client.send("/big") != nil { break }
            // Its requests are read before the healthy one's, or it is stalled already.
            #expect(healthy.ask("/info") != nil)
        }
        let dropped = (0..<1000).lazy.map { _ in healthy.value("/telemetry/stats")?["dropped_clients"]?.integer ?? 0 }
            .first { $0 == 3 }
        #expect(dropped == 3)
        let rows = healthy.value("/telemetry/clients")?["clients"]?.elements ?? []
        #expect(rows.compactMap { $0["pending_bytes"]?.integer }.reduce(0, +) <= 250_000)
    }

    @Test func aSilentClientDelaysNobody() throws {
        let test = try TestServer()
        let silent = try (0..<20).map { _ in try RawClient(test.path) }
        let healthy = try test.connect()
        for _ in 0..<200 { #expect(healthy.ask("/") != nil) }
        for client in silent { #expect(client.receive() != .closed) }
    }

    @Test func clientsMayDieAtAnyMoment() throws {
        let test = try TestServer([.text("/big", length: 100_000)])
        let healthy = try test.connect()
        for round in 0..<200 {
            let dying = try RawClient(test.path)
            for _ in 0..<(round % 5) { dying.send(round % 2 == 0 ? "/big" : "/info") }
            #expect(healthy.ask("/info") != nil)
        }
        let alone = (0..<1000).contains { _ in healthy.value("/telemetry/stats")?["clients"]?.integer == 1 }
        #expect(alone, "the server does not forget clients that are gone")
    }

    @Test func aPipeliningClientGetsAllRepliesInOrder() throws {
        let test = try TestServer([TelemetryCommand(path: "/echo", help: "") { JSONValue($0.parameters ?? "") }])
        let eager = try test.connect()
        let healthy = try test.connect()
        var (sent, received) = (0, 0)
        while received < 2000 {
            while sent < 2000, eager.send("/echo,\(sent)") == nil { sent += 1 }
            if received % 100 == 0 { #expect(healthy.ask("/info") != nil) }
            #expect(eager.receive() == .text("{\"/echo\":\"\(received)\"}"))
            received += 1
        }
    }

    @Test func anEmptyPacketEndsTheConnectionOfItsSenderOnly() throws {
        let test = try TestServer()
        let healthy = try test.connect()
        let empty = try test.connect()
        #expect(empty.send([]) == nil)
        #expect(empty.receive() == .closed)
        #expect(healthy.ask("/info") != nil)
    }

    @Test func aDescriptorWithARequestHarmsNobody() throws {
        let test = try TestServer()
        let client = try test.connect()
        // Where the kernel can keep it out it does; elsewhere it is closed, and the request is served.
        switch client.send("/info", descriptor: STDIN_FILENO) {
        case nil: #expect(client.receive() != .closed)
        case let refusal: #expect(refusal == .notPermitted)
        }
        #expect(client.value("/info") != nil)
    }

    @Test func aHugePacketIsAnsweredWithNull() throws {
        let test = try TestServer()
        let healthy = try test.connect()
        let huge = try test.connect()
        try huge.enlargeSendBuffer(600_000)
        for _ in 0..<3 {
            #expect(
                huge.ask([UInt8](repeating: UInt8(ascii: "h"), count: 300_000))
                    == "{\"\(String(repeating: "h", count: 56))\":null}")
        }
        #expect(huge.value("/info") != nil)
        #expect(healthy.value("/telemetry/errors")?[0]?["reason"]?.string?.contains("300000") == true)
    }

    @Test func tenThousandRandomPacketsHarmNobody() throws {
        let test = try TestServer([TelemetryCommand(path: "/echo", help: "") { JSONValue($0.parameters ?? "") }])
        let healthy = try test.connect()
        let junk = try test.connect()
        var random = SeededGenerator(for: "tenThousandRandomPacketsHarmNobody")
        let beginnings = ["", "/echo,", "/help,", "/telemetry/errors,", ",", "/info"]
        for round in 0..<10_000 {
            var packet = Array((beginnings.randomElement(using: &random) ?? "").utf8)
            let length = Int.random(in: 1...(round % 10 == 0 ? 4000 : 80), using: &random)
            packet += (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            let reply = try #require(junk.ask(packet))
            let isValid = (try? JSONValue(parsing: reply).count == 1) ?? false
            #expect(isValid && !reply.utf8.contains { $0 < 0x20 }, "\(packet) → \(reply)")
            if round % 100 == 0 { #expect(healthy.ask("/info") != nil) }
        }
    }

    @Test func clientsBeyondTheLimitAreTurnedAwayAndCounted() throws {
        var configuration = TelemetryServer.Configuration()
        configuration.maximumClients = 3
        let test = try TestServer(configuration: configuration)
        var clients = try (0..<3).map { _ in try test.connect() }
        let fourth = try RawClient(test.path)
        #expect(fourth.receive() == .closed)
        #expect(clients[0].value("/telemetry/stats")?["refusals"]?.integer == 1)
        clients.removeLast()
        let taken = (0..<1000).contains { _ in (try? test.connect()) != nil }
        #expect(taken, "the place of a client that is gone is not given away")
    }
}
