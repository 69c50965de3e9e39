import Glibc
import LinuxSystem
import SystemPackage

/// The other process: it has a socket to this one as descriptor 3.
struct Peer: ~Copyable {
    /// Bytes of every buffer.
    static let byteCount = 64 << 10
    static let socket: CInt = 3

    let socket: OwnedDescriptor
    private let process: OtherProcess

    var processID: pid_t { process.processID }

    /// Starts this program again.
    init(_ role: String = "peer") throws {
        let pair = try SequencedPacketSocket.pair()
        let process = try OtherProcess(
            CommandLine.arguments[0], role, descriptors: [Self.socket: pair.second.raw])
        // This process must not have the other end, so that it notices when the other process has ended.
        let end = pair.first.raw
        let duplicate = try tryingSystemCall { fcntl(end, F_DUPFD_CLOEXEC, 4) }
        self.process = process
        socket = OwnedDescriptor(adopting: duplicate)
    }

    /// Sends a byte with descriptors, and returns the byte of the answer.
    func ask(_ byte: UInt8, sending descriptors: CInt...) throws -> UInt8 {
        try Self.send(byte, descriptors, on: socket.raw)
        return try Self.receive(on: socket.raw).byte
    }

    /// Ends the process, which must have succeeded.
    consuming func end() throws {
        let process = self.process
        _ = consume socket
        try process.succeed()
    }

    /// In the other process: for each buffer that it receives, it checks that all bytes are the one of the message, sets
    /// them to the complement, and keeps the buffer until the connection ends.
    static func serve() throws {
        var kept: [SharedMapping] = []
        var descriptors: [CInt] = []
        while true {
            var message = try receive(on: socket)
            guard let file = message.descriptors.takeFirst() else { break }
            let buffer = try MappedBuffer(file, byteCount: byteCount)
            let isExpected = try buffer.holds(message.byte)
            try buffer.fill(~message.byte)
            kept.append(buffer.mapping)
            descriptors.append(dup(buffer.file.raw))
            try send(isExpected ? 1 : 0, [], on: socket)
        }
        withExtendedLifetime(kept) {}
    }

    private static func send(_ byte: UInt8, _ descriptors: [CInt], on socket: CInt) throws {
        try withUnsafeBytes(of: byte) { bytes throws(Errno) in
            try SequencedPacketSocket.send(bytes, descriptors: descriptors, on: socket)
        }
    }

    private static func receive(on socket: CInt) throws -> Message {
        var byte: UInt8 = 0
        let received = try withUnsafeMutableBytes(of: &byte) { bytes throws(Errno) in
            try SequencedPacketSocket.receive(into: bytes, descriptorLimit: 2, on: socket)
        }
        return Message(byte: byte, descriptors: received.descriptors)
    }

    private struct Message: ~Copyable {
        let byte: UInt8
        var descriptors: ReceivedDescriptors
    }
}
