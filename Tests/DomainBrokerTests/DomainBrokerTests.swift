import ControllerProtocol
import DMAController
import DomainBroker
import Foundation
import Glibc
import LinuxSystem
import Logging
import SystemPackage
import TestSupport
import Testing

/// An application that speaks the protocol itself.
private final class RawApplication: Sendable {
    let welcome: Welcome
    private let socket: OwnedDescriptor
    private let bell: EventDescriptor

    init(_ path: String) throws {
        let socket = try SequencedPacketSocket.open()
        try SequencedPacketSocket.connect(socket, to: path)
        let hello = Packet.encode(Hello(), sequence: 1)
        _ = hello.withUnsafeBytes { SequencedPacketSocket.send($0, on: socket.raw) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Packet.maximumLength, alignment: 8)
        defer { buffer.deallocate() }
        var message = try SequencedPacketSocket.receive(into: buffer, descriptorLimit: 2, on: socket.raw)
        let (length, count) = (message.byteCount, message.descriptors.count)
        welcome = try Packet.decode(from: Array(buffer.prefix(length)))
        guard count == 2, let bell = message.descriptors.takeFirst() else {
            throw TestSupportError("the welcome has \(count) descriptors")
        }
        self.bell = EventDescriptor(adopting: bell)
        self.socket = socket
    }

    func ring(_ count: Int) {
        for _ in 0..<count { bell.signal() }
    }
}

@Suite(.serialized) struct DomainBrokerTests {
    @Test func `a guest's application copies to and from the host in a group`() throws {
        let host = try Host()
        let guest = try host.start().connected()
        #expect(try guest.state().domain == "guest0")
        let creator = try MemberProcess(host.controller.path)
        let joiner = try guest.member()
        let token = Token()
        let made = try creator.create(token)
        let handler: UInt16 = try joiner.number("join \(made.group) \(token.hex)")
        try eventually("the event arrives") { try creator.events.contains("joined:\(made.group):\(handler)") }
        // The guest writes to a window of the host's process, and reads from it.
        let (window, own) = try joiner.copyPage(to: creator, in: made)
        _ = try creator.ask("put 0 4096 9")
        #expect(try joiner.ask("copy \(window) \(own + 8192) 4096 \(made.handler) 0") == "successful")
        #expect(try joiner.ask("holds 8192 4096 9") == "yes")
        // The host's process writes to a window of the guest, and reads from it.
        let inbox: UInt64 = try joiner.number("window \(made.group) 3 4 1")
        let source: UInt64 = try creator.number("own")
        #expect(try creator.ask("copy \(source) \(inbox) 4096 0 \(handler)") == "successful")
        #expect(try joiner.ask("holds 16384 4096 9") == "yes")
        _ = try joiner.ask("put 16384 4096 77")
        #expect(try creator.ask("copy \(inbox) \(source + 4096) 4096 \(handler) 0") == "successful")
        #expect(try creator.ask("holds 4096 4096 77") == "yes")
        // Outside of the window nothing moves.
        #expect(try creator.ask("copy \(source) \(inbox + 4096) 4096 0 \(handler)") != "successful")
        #expect(try joiner.ask("leave \(made.group)") == "ok")
        try eventually("the event arrives") { try creator.events.contains("left:\(made.group):\(handler)") }
        #expect(try creator.ask("copy \(source) \(inbox) 4096 0 \(handler)") != "successful")
    }

    @Test func `two guests are in one group, and copy from one to the other`() throws {
        let host = try Host(guests: 2)
        let guests = try (0..<2).map { try host.start(guest: $0).connected() }
        let (one, two) = (try guests[0].member(), try guests[1].member())
        let token = Token()
        let made = try one.create(token)
        let handler: UInt16 = try two.number("join \(made.group) \(token.hex)")
        _ = try two.copyPage(to: one, in: made)
        // The guest whose broker dies is gone for the other at once.
        try guests[1].kill()
        try eventually("the event arrives") { try one.events.contains("left:\(made.group):\(handler)") }
        try eventually("the connection ends") { host.connections == 1 }
    }

    @Test func `the memory of an application that dies is free when the host does not use it any more`() throws {
        let host = try Host()
        let guest = try host.start().connected()
        let creator = try MemberProcess(host.controller.path)
        let token = Token()
        let made = try creator.create(token)
        for _ in 0..<5 {
            let joiner = try guest.member()
            let handler: UInt16 = try joiner.number("join \(made.group) \(token.hex)")
            let inbox: UInt64 = try joiner.number("window \(made.group) 3 4 1")
            #expect(try guest.state().byteCount > 64 * 4096)
            try joiner.kill()
            try eventually("the event arrives") { try creator.events.contains("left:\(made.group):\(handler)") }
            let own: UInt64 = try creator.number("own")
            #expect(try creator.ask("copy \(own) \(inbox) 4096 0 \(handler)") != "successful")
            try eventually("its memory is free") { try guest.state() == ("guest0", 0, 0) }
        }
        #expect(host.connections == 1)
    }

    @Test func `an application learns that the guest has no host, and that the memory is used up`() throws {
        let host = try Host(byteCount: 2 << 20)
        let guest = try host.start().connected()
        let first = try guest.member()
        _ = try guest.member()
        // 2 MiB are not enough for all.
        var failed = false
        var others: [MemberProcess] = []
        for _ in 0..<8 where !failed {
            do { others.append(try guest.member()) } catch {
                #expect("\(error)".contains("error \(ENOSPC)"))
                failed = true
            }
        }
        #expect(failed)
        #expect(try first.ask("own") != "")
        let lonely = try TemporaryDirectory()
        let broker = try DomainBroker(
            path: lonely.file("control"), place: BrokerPlace(memory: host.memoryPath, channel: lonely.file("none")),
            logger: Logger(label: "broker") { _ in SwiftLogNoOpLogHandler() })
        let refused = #expect(throws: TestSupportError.self) { try MemberProcess(broker.path) }
        #expect(refused?.description.contains("error \(ECONNREFUSED)") == true)
        broker.stop()
        #expect(try lonely.contents.allSatisfy { $0 == "control.lock" })
    }

    @Test func `a broker that is killed at any moment takes nothing with it`() throws {
        let host = try Host(guests: 2)
        let quiet = try host.start(guest: 1).connected()
        let (creator, neighbour) = (try MemberProcess(host.controller.path), try quiet.member())
        let token = Token()
        let made = try creator.create(token)
        let neighbourHandler: UInt16 = try neighbour.number("join \(made.group) \(token.hex)")
        let window: UInt64 = try creator.number("window \(made.group) 3 0 32")
        var random = SeededGenerator(for: "kills")
        let rounds = ProcessInfo.processInfo.environment["DMASCOPE_KILLS"].flatMap { Int($0) } ?? 20
        for round in 1...rounds {
            let guest = try host.start()
            let isEarly = round % 4 == 0
            if !isEarly {
                let joiner = try guest.connected().member()
                let handler: UInt16 = try joiner.number("join \(made.group) \(token.hex)")
                joiner.tell("flood 1000000 65536 \(window) \(made.handler)")
                usleep(UInt32.random(in: 0...20_000, using: &random))
                try guest.kill()
                try joiner.kill()
                // Otherwise the next broker comes before the host knows, as after a reset.
                if round % 8 == 1 {
                    try eventually("the event arrives") {
                        try creator.events.contains("left:\(made.group):\(handler)")
                    }
                }
            } else {
                usleep(UInt32.random(in: 0...20_000, using: &random))
                try guest.kill()
            }
        }
        try eventually("their connections end") { host.connections == 2 }
        // The others still work.
        let own: UInt64 = try neighbour.number("own")
        _ = try neighbour.ask("put 0 4096 3")
        #expect(try neighbour.ask("copy \(own) \(window) 4096 0 \(made.handler)") == "successful")
        #expect(try creator.ask("holds 0 4096 3") == "yes")
        #expect(try creator.ask("handlers \(made.group)") == "\(made.handler) \(neighbourHandler)")
        #expect(host.controller.statistics.rings == 2)
    }

    @Test func `a guest that does not answer loses its session, and gets a new one`() throws {
        let host = try Host()
        let guest = try host.start().connected()
        let member = try guest.member()
        #expect(host.connections == 1)
        guest.program.kill(SIGSTOP)
        try eventually("the session is over") { host.connections == 0 }
        guest.program.kill(SIGCONT)
        try eventually("the application sees it") { try member.ask("is-halted") == "yes" }
        _ = try guest.connected()
        let again = try guest.member()
        #expect(try again.ask("own") != "")
    }

    @Test func `a storm of doorbells in a guest delays nobody for long`() throws {
        let host = try Host()
        let guest = try host.start().connected()
        let creator = try MemberProcess(host.controller.path)
        let storming = try RawApplication(guest.path)
        let storm = try SystemThread.start(name: "test-storm") { storming.ring(200_000) }
        let token = Token()
        var longest = Duration.zero
        for _ in 0..<20 {
            let start = ContinuousClock.now
            let made = try creator.create(token)
            #expect(try creator.ask("destroy \(made.group)") == "ok")
            longest = max(longest, .now - start)
        }
        #expect(longest < .seconds(1))
        storm.join()
        // The session has survived it.
        let other = try guest.member()
        #expect(try other.ask("own") != "")
    }

    @Test func `the host reads the telemetry sockets of the guest until they or the session end`() throws {
        let host = try Host()
        let guest = try TemporaryDirectory()
        let server = TelemetryStandIn(guest.file("app"))
        let sources = Locked(["app": guest.file("app"), "../x": guest.file("app"), "dead": guest.file("dead")])
        _ = try dead(guest.file("dead"))
        let broker = try DomainBroker(
            path: guest.file("control"), place: BrokerPlace(memory: host.memoryPath, channel: host.port()),
            telemetry: { sources.withLock { $0 } }, logger: Logger(label: "broker") { _ in SwiftLogNoOpLogHandler() })
        let path = host.directory.file("guest0.app")
        try eventually("the socket is there") { access(path, F_OK) == 0 }
        #expect(
            try host.directory.contents.filter { $0.hasPrefix("guest0.") && !$0.contains("lock") }.sorted()
                == ["guest0.app", "guest0.channel", "guest0.port"])
        for _ in 0..<3 {
            let client = try SequencedPacketSocket.open()
            try SequencedPacketSocket.connect(client, to: path)
            #expect(try Self.receive(client.raw) == Array("greeting".utf8))
            let request = Array("/".utf8)
            #expect(request.withUnsafeBytes { SequencedPacketSocket.send($0, on: client.raw) } == nil)
            #expect(try Self.receive(client.raw) == [UInt8](repeating: 47, count: 131_072))
        }
        sources.withLock { $0 = [:] }
        try eventually("the socket is gone") { access(path, F_OK) != 0 }
        sources.withLock { $0 = ["app": guest.file("app")] }
        try eventually("the socket is there again") { access(path, F_OK) == 0 }
        broker.stop()
        try eventually("the socket is gone with the session") { access(path, F_OK) != 0 }
        withExtendedLifetime(server) {}
    }

    private static func receive(_ socket: CInt) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 132 << 10)
        let count = recv(socket, &bytes, bytes.count, 0)
        return Array(bytes.prefix(max(count, 0)))
    }

    /// Leaves a socket without a server.
    private func dead(_ path: String) throws -> String {
        let socket = try SequencedPacketSocket.open()
        try SequencedPacketSocket.bind(socket, to: path, mode: [.ownerReadWrite])
        return path
    }
}

/// A process with a telemetry socket: it greets, and answers each request with the longest reply.
private final class TelemetryStandIn: Sendable {
    private let listener: CInt
    private let thread: SystemThread?

    init(_ path: String) {
        var raw: CInt = -1
        if let socket = try? SequencedPacketSocket.open() {
            try? SequencedPacketSocket.bind(socket, to: path, mode: [.ownerReadWrite])
            try? SequencedPacketSocket.listen(socket)
            raw = socket.release()
        }
        listener = raw
        thread = try? SystemThread.start(name: "test-telemetry") { [raw] in
            while true {
                let client = accept(raw, nil, nil)
                guard client >= 0 else { return }
                let greeting = Array("greeting".utf8)
                _ = send(client, greeting, greeting.count, CInt(MSG_NOSIGNAL))
                var request = [UInt8](repeating: 0, count: 1024)
                while recv(client, &request, request.count, 0) > 0 {
                    let reply = [UInt8](repeating: request[0], count: 131_072)
                    _ = send(client, reply, reply.count, CInt(MSG_NOSIGNAL))
                }
                close(client)
            }
        }
    }

    deinit {
        shutdown(listener, CInt(SHUT_RDWR))
        thread?.join()
        close(listener)
    }
}
