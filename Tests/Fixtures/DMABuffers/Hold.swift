import Glibc
import LinuxSystem

/// Three buffers for others to find: `frame` is in this process and in the other one, `texture` has only a mapping in this
/// one, and the name of the third is an attempt to look like two more buffers.
enum Hold {
    static let hostileName = "x\n1\t2\t3\t4\tfake\t99\ty"

    static func run() throws {
        let frame = try MappedBuffer(
            try BufferKind.udmabuf.make(name: "frame", byteCount: Peer.byteCount), byteCount: Peer.byteCount)
        let peer = try Peer()
        try DMABuffers.require(try peer.ask(0, sending: frame.file.raw) == 1, "the other process sees other bytes")
        let texture = try MappedBuffer(
            try BufferKind.heap.make(name: "texture", byteCount: Peer.byteCount), byteCount: Peer.byteCount)
        let mapping = texture.mapping
        _ = consume texture
        let hostile = try BufferKind.heap.make(name: hostileName, byteCount: 4096)
        DMABuffers.say("holding \(getpid()) \(peer.processID)")
        while readLine() != nil {}
        try peer.end()
        withExtendedLifetime(mapping) {}
        _ = consume hostile
        _ = consume frame
    }
}
