import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite struct SequencedPacketSocketTests {
    @Test func messagesStayApartAndCutOnesSayTheirLength() throws {
        let pair = try SequencedPacketSocket.pair()
        for text in ["one", "three"] {
            #expect(Array(text.utf8).withUnsafeBytes { SequencedPacketSocket.send($0, on: pair.first.raw) } == nil)
        }
        var buffer = [UInt8](repeating: 0, count: 4)
        let first = buffer.withUnsafeMutableBytes { SequencedPacketSocket.receive(into: $0, on: pair.second.raw) }
        #expect(first == .success(3))
        let second = buffer.withUnsafeMutableBytes { SequencedPacketSocket.receive(into: $0, on: pair.second.raw) }
        #expect(second == .success(5))
        #expect(buffer == Array("thre".utf8))
    }

    @Test func aClosedPeerIsAnErrorNotASignal() throws {
        var (survivor, gone): (CInt, CInt) = (-1, -1)
        let pair = try SequencedPacketSocket.pair()
        survivor = dup(pair.first.raw)
        gone = pair.second.raw
        defer { close(survivor) }
        shutdown(gone, CInt(SHUT_RDWR))
        let error = [UInt8(1)].withUnsafeBytes { SequencedPacketSocket.send($0, on: survivor) }
        #expect(error == .brokenPipe)
    }

    @Test func theSocketFileHasItsModeAndKnowsItsPeer() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("s")
        #expect(SequencedPacketSocket.probe(path) == .noSuchFileOrDirectory)
        let listener = try SequencedPacketSocket.open(nonblocking: true)
        try SequencedPacketSocket.bind(listener, to: path, mode: [.ownerReadWrite])
        #expect(SequencedPacketSocket.probe(path) == .connectionRefused)
        try SequencedPacketSocket.listen(listener)
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        let client = try SequencedPacketSocket.open()
        try SequencedPacketSocket.connect(client, to: path)
        let accepted = try SequencedPacketSocket.accept(listener)
        let peer = try PeerCredentials(of: accepted)
        #expect(peer == (try PeerCredentials(of: client)))
        #expect(peer.pid == getpid() && peer.uid == geteuid() && peer.gid == getegid())
        #expect(throws: Errno.resourceTemporarilyUnavailable) { _ = try SequencedPacketSocket.accept(listener).raw }
    }

    @Test func aPathThatDoesNotFitIsAnErrorAndNotCut() throws {
        let socket = try SequencedPacketSocket.open()
        let path = "/tmp/" + String(repeating: "x", count: SequencedPacketSocket.maximumPathLength - 4)
        #expect(throws: Errno.fileNameTooLong) { try SequencedPacketSocket.connect(socket, to: path) }
        #expect(throws: Errno.fileNameTooLong) {
            try SequencedPacketSocket.bind(socket, to: path, mode: .ownerReadWrite)
        }
        #expect(throws: Errno.noSuchFileOrDirectory) {
            try SequencedPacketSocket.connect(socket, to: String(path.dropLast()))
        }
    }

    @Test func anOwnedDescriptorIsClosedWithItsOwner() throws {
        let pair = try SequencedPacketSocket.pair(nonblocking: true)
        let copy = dup(pair.first.raw)
        var buffer = [UInt8](repeating: 0, count: 4)
        do {
            let owner = OwnedDescriptor(adopting: copy)
            shutdown(pair.first.raw, CInt(SHUT_RD))
            #expect(owner.raw == copy)
        }
        // The peer sees the end only when the last copy is gone.
        let still = buffer.withUnsafeMutableBytes { SequencedPacketSocket.receive(into: $0, on: pair.second.raw) }
        #expect(still == .failure(.resourceTemporarilyUnavailable))
        try closeFirst(pair)
    }

    private func closeFirst(_ pair: consuming DescriptorPair) throws {
        let other = dup(pair.second.raw)
        defer { close(other) }
        _ = consume pair
        var byte: UInt8 = 0
        #expect(recv(other, &byte, 1, 0) == 0)
    }
}

@Suite struct PollerTests {
    @Test func anEventWakesTheWaiterWithItsToken() throws {
        let poller = try Poller()
        let event = try EventDescriptor()
        try poller.add(event.raw, .readable, token: 1 << 40)
        try withUnsafeTemporaryAllocation(of: Poller.Event.self, capacity: 4) { events in
            events.initialize(repeating: Poller.Event())
            #expect(try poller.wait(into: events, milliseconds: 0) == 0)
            event.signal()
            event.signal()
            #expect(try poller.wait(into: events) == 1)
            #expect(events[0].token == 1 << 40 && events[0].events == .readable)
            #expect(event.drain() == 2)
            #expect(event.drain() == 0)
            #expect(try poller.wait(into: events, milliseconds: 0) == 0)
            event.signal()
            try poller.modify(event.raw, [], token: 0)
            #expect(try poller.wait(into: events, milliseconds: 0) == 0)
            try poller.remove(event.raw)
            #expect(throws: Errno.noSuchFileOrDirectory) { try poller.remove(event.raw) }
        }
    }
}

@Suite struct MonotonicTimeTests {
    @Test func timeAddsUpAndDoesNotOverflow() {
        let start = MonotonicTime(nanoseconds: 10)
        #expect(start.advanced(by: .seconds(2)).nanoseconds == 2_000_000_010)
        #expect(start.advanced(by: .milliseconds(-2)) == start)
        #expect(start.advanced(by: .seconds(Int64.max)).nanoseconds == .max)
        #expect(start.nanoseconds(since: MonotonicTime(nanoseconds: 11)) == 0)
        #expect(start.millisecondsLeft == 0)
        #expect(MonotonicTime(nanoseconds: .max).millisecondsLeft == .max)
        #expect(MonotonicTime.now <= MonotonicTime.now)
    }
}
