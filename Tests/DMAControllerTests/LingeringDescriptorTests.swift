import ControllerProtocol
import Foundation
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// Descriptors whose last close takes as long as their maker likes: a TCP socket that lingers until its peer, who never
/// does, has read everything. It is what a file system that does not answer would be, and needs none.
@Suite struct LingeringDescriptorTests {
    private let directory: TemporaryDirectory
    private let host: RunningProgram
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.file("control")
        host = try RunningProgram(builtProduct("controller-host"), [path])
        try host.waitForOutput(containing: "ready")
    }

    /// Runs `body` while the controller stands still: who gives something away in it is not the last who has it.
    private func whileItStandsStill(_ body: () throws -> Void) throws {
        host.kill(SIGSTOP)
        try eventually("it stands still") {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/\(host.processID)/task").allSatisfy {
                let status = try String(contentsOfFile: "/proc/\(host.processID)/task/\($0)/stat", encoding: .utf8)
                return status.contains(") T ")
            }
        }
        defer { host.kill(SIGCONT) }
        try body()
    }

    /// Gives such a descriptor away: who closes it last hangs in it until the other end, kept here, goes.
    private final class Linger {
        private let far: OwnedDescriptor
        /// -1 once it is given away.
        private var near: CInt = -1

        init() throws {
            let stream = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
            let listener = OwnedDescriptor(adopting: socket(AF_INET, stream, 0))
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let client = OwnedDescriptor(adopting: socket(AF_INET, stream, 0))
            let isConnected = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(listener.raw, $0, length) == 0 && listen(listener.raw, 1) == 0
                        && getsockname(listener.raw, $0, &length) == 0 && connect(client.raw, $0, length) == 0
                }
            }
            guard isConnected else { throw TestSupportError("no TCP on the loopback: \(errno)") }
            far = OwnedDescriptor(adopting: accept(listener.raw, nil, nil))
            let part = [UInt8](repeating: 0, count: 1 << 16)
            while send(client.raw, part, part.count, CInt(MSG_DONTWAIT)) > 0 {}
            var option = linger(l_onoff: 1, l_linger: 3600)
            setsockopt(client.raw, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
            near = client.release()
        }

        /// Sends it, `count` times in one message, and keeps none; `false` when the peer has been cut off before.
        func give(_ peer: RawPeer, _ message: some WireMessage, count: Int = 1) -> Bool {
            defer {
                close(near)
                near = -1
            }
            guard peer.send(Packet.encode(message, sequence: 7), [CInt](repeating: near, count: count)) else {
                var none = linger()
                setsockopt(near, SOL_SOCKET, SO_LINGER, &none, socklen_t(MemoryLayout<linger>.size))
                return false
            }
            return true
        }
    }

    private func expectServed(sourceLocation: SourceLocation = #_sourceLocation) throws {
        let peer = try RawPeer.greeted(path)
        let file = try sealedPages(1)
        let request = RegisterMemory(offset: 0, byteCount: 4096)
        let iova = try peer.ask(request, [file.raw], for: MemoryRegistered.self)?.iova
        #expect(
            try peer.ask(UnregisterMemory(iova: try #require(iova)), for: Done.self) != nil,
            sourceLocation: sourceLocation)
    }

    @Test(arguments: [1, 2, 3, 253]) func theyHoldUpNobody(count: Int) throws {
        // As memory, which they are not; in a request that brings none; more of them than any message brings.
        let (memory, other) = (try Linger(), try Linger())
        let peer = try RawPeer.greeted(path)
        let second = try RawPeer.greeted(path)
        try whileItStandsStill {
            #expect(memory.give(peer, RegisterMemory(offset: 0, byteCount: 4096), count: count))
            #expect(other.give(second, StopRings(), count: count))
        }
        #expect(second.isEnded)
        try expectServed()
        withExtendedLifetime((memory, other)) {}
    }

    @Test func leftUnreadTheyHoldUpNobody() throws {
        let linger = try Linger()
        let peer = try RawPeer.greeted(path)
        // The controller ends the connection at the first message.
        try whileItStandsStill {
            #expect(peer.send([1, 2, 3]))
            #expect(linger.give(peer, StopRings()))
        }
        #expect(peer.isEnded)
        try expectServed()
        withExtendedLifetime(linger) {}
    }

    @Test func memoryComesBackWhileTheyHang() throws {
        let linger = try Linger()
        let peer = try RawPeer.greeted(path)
        try whileItStandsStill { #expect(linger.give(peer, RegisterMemory(offset: 0, byteCount: 4096))) }
        #expect(peer.receive() != nil)
        for _ in 0..<100 { try expectServed() }
        try eventually("all mappings are gone") { try mappings(named: "test-pages") == 0 }
        withExtendedLifetime(linger) {}
    }

    /// How many mappings of a file the controller has.
    private func mappings(named name: String) throws -> Int {
        try String(contentsOfFile: "/proc/\(host.processID)/maps", encoding: .utf8).split(separator: "\n").count {
            $0.contains(name)
        }
    }

    @Test func whoLeavesTooManyIsNotServedUntilTheyAreClosed() throws {
        do {
            let lingering = try Linger()
            let peer = try RawPeer.greeted(path)
            try whileItStandsStill { #expect(lingering.give(peer, RegisterMemory(offset: 0, byteCount: 4096))) }
            _ = peer.receive()
            // What waits behind it is as many descriptors as the user likes; not for ever.
            let null = OwnedDescriptor(adopting: open("/dev/null", O_RDONLY | O_CLOEXEC))
            for _ in 0..<5 {
                let other = try RawPeer(path)
                guard try other.ask(Hello(), for: Welcome.self) != nil else { break }
                let many = [CInt](repeating: null.raw, count: 253)
                #expect(other.send(Packet.encode(StopRings(), sequence: 9), many))
                #expect(other.isEnded)
            }
            let refused = try RawPeer(path)
            let reason = try #require(refused.receive())
            #expect(try Packet.decode(Failed.self, from: reason).errno == EDQUOT)
            withExtendedLifetime(lingering) {}
        }
        try eventually("it is served again") {
            (try? RawPeer.greeted(path)) != nil
        }
        try expectServed()
    }
}
