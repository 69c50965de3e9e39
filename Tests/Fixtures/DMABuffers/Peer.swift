import Glibc
import LinuxSystem
import SystemPackage

/// The other process: it has a socket to this one as descriptor 3.
struct Peer: ~Copyable {
    /// Bytes of every buffer.
    static let byteCount = 64 << 10
    private static let socket: CInt = 3

    private let socket: OwnedDescriptor
    let processID: pid_t

    /// Starts this program again.
    init() throws {
        let pair = try SequencedPacketSocket.pair()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, pair.second.raw, Self.socket)
        var arguments = [strdup(CommandLine.arguments[0]), strdup("peer"), nil]
        defer { arguments.forEach { free($0) } }
        var processID: pid_t = 0
        let failure = posix_spawn(&processID, CommandLine.arguments[0], &actions, nil, &arguments, environ)
        try DMABuffers.require(failure == 0, "posix_spawn: \(Errno(rawValue: failure))")
        // This process must not have the other end, so that it notices when the other process has ended.
        let end = pair.first.raw
        let duplicate = try tryingSystemCall { fcntl(end, F_DUPFD_CLOEXEC, 4) }
        self.processID = processID
        socket = OwnedDescriptor(adopting: duplicate)
    }

    /// Sends a byte with descriptors, and returns the byte of the answer.
    func ask(_ byte: UInt8, sending descriptors: CInt...) throws -> UInt8 {
        try Self.send(byte, descriptors, on: socket.raw)
        return try Self.receive(on: socket.raw).byte
    }

    /// Ends the process, which must have succeeded.
    consuming func end() throws {
        let processID = self.processID
        _ = consume socket
        var status: Int32 = 0
        while waitpid(processID, &status, 0) < 0 && errno == EINTR {}
        try DMABuffers.require(status == 0, "the other process ended with wait status \(status)")
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
