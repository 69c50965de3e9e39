import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite struct DescriptorMessageTests {
    private func send(_ text: String, _ descriptors: [CInt], on socket: CInt) throws(Errno) {
        let bytes = Array(text.utf8)
        let error = bytes.withUnsafeBytes { bytes -> Errno? in
            do throws(Errno) {
                try SequencedPacketSocket.send(bytes, descriptors: descriptors, on: socket)
                return nil
            } catch {
                return error
            }
        }
        if let error { throw error }
    }

    private func receive(_ capacity: Int, limit: Int, on socket: CInt) throws -> ReceivedMessage {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 8)
        defer { buffer.deallocate() }
        return try SequencedPacketSocket.receive(into: buffer, descriptorLimit: limit, on: socket)
    }

    /// Whether the other end of a pipe is closed everywhere: that end was the last copy.
    private func isClosed(readEnd: CInt) -> Bool {
        var byte: UInt8 = 0
        return read(readEnd, &byte, 1) == 0
    }

    private func pipe() throws -> (read: CInt, write: CInt) {
        var both: [CInt] = [-1, -1]
        try #require(Glibc.pipe(&both) == 0)
        for end in both { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        return (both[0], both[1])
    }

    @Test func descriptorsArriveCloseOnExecAndInOrder() throws {
        let pair = try SequencedPacketSocket.pair()
        let files = [
            try MemoryFile.make(name: "a", byteCount: 100).release(),
            try MemoryFile.make(name: "b", byteCount: 200).release(),
        ]
        defer { files.forEach { close($0) } }
        try send("two", files, on: pair.first.raw)
        var message = try receive(16, limit: 4, on: pair.second.raw)
        let (length, isCut, count) = (message.byteCount, message.lostDescriptors, message.descriptors.count)
        #expect(length == 3 && !isCut && count == 2)
        for size in [100, 200] {
            let taken = message.descriptors.takeFirst()
            guard let taken else { throw TestSupportError("no descriptor of \(size) bytes") }
            let raw = taken.raw
            #expect(try MemoryFile.byteCount(of: raw) == size)
            #expect(fcntl(raw, F_GETFD) & FD_CLOEXEC != 0)
        }
        let left = message.descriptors.count
        #expect(left == 0)
    }

    @Test(arguments: 0...3) func aCutMessageClosesAllThatItBrought(limit: Int) throws {
        let pair = try SequencedPacketSocket.pair()
        let pipes = [try pipe(), try pipe(), try pipe(), try pipe()]
        defer { pipes.forEach { close($0.read) } }
        try send("x", pipes.map(\.write), on: pair.first.raw)
        pipes.forEach { close($0.write) }
        do {
            let message = try receive(16, limit: limit, on: pair.second.raw)
            let (isCut, count) = (message.lostDescriptors, message.descriptors.count)
            #expect(isCut && count == limit)
        }
        for pipe in pipes { #expect(isClosed(readEnd: pipe.read)) }
    }

    @Test func whatIsNotTakenIsClosedAndWhatIsReleasedStays() throws {
        let pair = try SequencedPacketSocket.pair()
        let (kept, dropped) = (try pipe(), try pipe())
        defer { [kept.read, dropped.read].forEach { close($0) } }
        try send("x", [kept.write, dropped.write], on: pair.first.raw)
        [kept.write, dropped.write].forEach { close($0) }
        var message = try receive(0, limit: 2, on: pair.second.raw)
        let length = message.byteCount
        #expect(length == 1)
        let owned = message.descriptors.takeFirst()
        _ = consume message
        #expect(isClosed(readEnd: dropped.read) && !isClosed(readEnd: kept.read))
        _ = consume owned
        #expect(isClosed(readEnd: kept.read))
    }

    @Test func moreThanAMessageTakesIsRefused() throws {
        let pair = try SequencedPacketSocket.pair()
        let many = [CInt](repeating: pair.first.raw, count: SequencedPacketSocket.maximumDescriptorCount + 1)
        #expect(throws: Errno.invalidArgument) { try send("x", many, on: pair.first.raw) }
        #expect(throws: Errno.badFileDescriptor) { try send("x", [-1], on: pair.first.raw) }
    }

    @Test func aProcessDescriptorIsReadableWhenTheProcessHasEnded() throws {
        let program = try RunningProgram("/bin/cat")
        let process = try ProcessDescriptor.open(program.processID)
        var watched = pollfd(fd: process.raw, events: Int16(POLLIN), revents: 0)
        #expect(poll(&watched, 1, 0) == 0)
        program.kill(SIGKILL)
        #expect(poll(&watched, 1, 30_000) == 1)
        try program.wait()
        #expect(throws: Errno.noSuchProcess) { _ = try ProcessDescriptor.open(Int32.max) }
    }

    @Test func thePeerOfASocketIsThisProcess() throws {
        let pair = try SequencedPacketSocket.pair()
        let process = try ProcessDescriptor.ofPeer(pair.first)
        var watched = pollfd(fd: process.raw, events: Int16(POLLIN), revents: 0)
        #expect(poll(&watched, 1, 0) == 0)
        #expect(fcntl(process.raw, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test func aSharedCounterIsSeenAgainWithEachSignalWithoutBeingRead() throws {
        let event = try EventDescriptor()
        let poller = try Poller()
        let copy = EventDescriptor(adopting: OwnedDescriptor(adopting: dup(event.raw)))
        try poller.add(event.raw, [.readable, .edgeTriggered], token: 7)
        var found = [Poller.Event](repeating: Poller.Event(), count: 4)
        func wait(_ milliseconds: Int32) throws -> Int {
            try found.withUnsafeMutableBufferPointer { buffer throws(Errno) in
                try poller.wait(into: buffer, milliseconds: milliseconds)
            }
        }
        #expect(try wait(0) == 0)
        for _ in 0..<3 {
            copy.signal()
            #expect(try wait(30_000) == 1)
            #expect(found[0].token == 7)
            #expect(try wait(0) == 0)
        }
    }
}
