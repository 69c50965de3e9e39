import ControllerProtocol
import DMAController
import DMAEngine
import Glibc
import LinuxSystem
import SystemPackage
import TestSupport

/// An application that speaks the protocol by hand, and may say what no driver would.
final class RawPeer {
    let socket: OwnedDescriptor
    private var sequence: UInt32 = 0
    private(set) var descriptors: [CInt] = []

    /// Connects.
    init(_ path: String) throws {
        let socket = try SequencedPacketSocket.open()
        try SequencedPacketSocket.connect(socket, to: path)
        self.socket = socket
    }

    /// A process of another operating system, by the end that its bridge has.
    init(_ controller: DMAController, of domain: String, identity: UInt64 = 1, session: UInt64 = 1) throws {
        let pair = try SequencedPacketSocket.pair()
        socket = OwnedDescriptor(adopting: dup(pair.first.raw))
        try controller.connect(
            OwnedDescriptor(adopting: dup(pair.second.raw)), domain: domain,
            process: GuestProcess(pid: 4711, uid: 1000, session: session, identity: identity))
    }

    deinit {
        closeDescriptors()
    }

    func closeDescriptors() {
        descriptors.forEach { close($0) }
        descriptors = []
    }

    /// Connects and greets.
    static func greeted(_ path: String) throws -> RawPeer {
        let peer = try RawPeer(path)
        guard try peer.ask(Hello(), for: Welcome.self) != nil else { throw TestSupportError("no welcome") }
        return peer
    }

    func send(_ bytes: [UInt8], _ descriptors: [CInt] = []) -> Bool {
        bytes.withUnsafeBytes {
            (try? SequencedPacketSocket.send($0, descriptors: descriptors, on: socket.raw)) != nil
        }
    }

    /// The next packet; `nil` when the connection has ended.
    func receive() -> [UInt8]? {
        withUnsafeTemporaryAllocation(byteCount: Packet.maximumLength, alignment: 16) { buffer in
            guard
                var message = try? SequencedPacketSocket.receive(into: buffer, descriptorLimit: 4, on: socket.raw)
            else { return nil }
            descriptors += message.descriptors.release()
            let length = message.byteCount
            return length > 0 ? Array(buffer.prefix(length)) : nil
        }
    }

    /// Asks and waits; `nil` when the answer is another one, which is then in ``refusal``. Members that come before the
    /// answer are in ``members``.
    func ask<Answer: WireMessage>(
        _ message: some WireMessage, _ descriptors: [CInt] = [], for answer: Answer.Type
    ) throws -> Answer? {
        sequence += 1
        refusal = nil
        members = []
        _ = send(Packet.encode(message, sequence: sequence), descriptors)
        var next = receive()
        while let bytes = next, let header = try? Packet.header(of: bytes), header.kind != .done {
            if header.kind == .groupMembers {
                members += try Packet.decode(GroupMembers.self, from: bytes).members
            } else if header.kind != .groupChanged {
                break
            }
            next = receive()
        }
        guard let bytes = next else { return nil }
        refusal = try? Packet.decode(Failed.self, from: bytes)
        return refusal == nil ? try Packet.decode(from: bytes) : nil
    }

    /// Attaches a ring, allocates its memory and starts it; `nil` when one of both is refused.
    func startRing(_ request: AttachRing) throws -> RingMemory? {
        guard try ask(request, for: RingAttached.self) != nil else { return nil }
        let layout = RingLayout(
            descriptorCount: Int(request.descriptorCount), maximumEntries: Int(request.maximumEntryCount))
        let files = Array(descriptors.suffix(2))
        let memory = try RingMemory(layout: layout, applicationFile: files[0], engineFile: files[1])
        return try ask(StartRing(vchan: request.vchan), for: Done.self) != nil ? memory : nil
    }

    /// Attaches a ring in a region and starts it; `nil` when one of both is refused.
    func startRing(_ request: AttachRing, at offset: UInt64, in region: SharedMapping) throws -> RingMemory? {
        var request = request
        request.offset = offset
        guard try ask(request, for: RingAttached.self) != nil, let start = region.bytes.baseAddress else { return nil }
        let layout = RingLayout(
            descriptorCount: Int(request.descriptorCount), maximumEntries: Int(request.maximumEntryCount))
        let memory = RingMemory(layout: layout, at: start + Int(offset), in: region)
        return try ask(StartRing(vchan: request.vchan), for: Done.self) != nil ? memory : nil
    }

    private(set) var refusal: Failed?
    private(set) var members: [GroupMember] = []

    /// Whether the controller has ended the connection, after whatever it had still to say.
    var isEnded: Bool {
        while receive() != nil {}
        return true
    }
}

/// A sealed file of that many pages.
func sealedPages(_ count: Int) throws -> OwnedDescriptor {
    let file = try MemoryFile.make(name: "test-pages", byteCount: count * 4096)
    try MemoryFile.add(.shrink, to: file.raw)
    return file
}

extension EnterGroup {
    /// A request with a token that is no secret.
    init(group: Int16, limit: UInt16, domain: [UInt8], token: [UInt8], device: Int16 = -1) {
        self.init(
            group: group, limit: limit, domain: domain, token: token.withUnsafeBytes { Secret(copying: $0) },
            device: device)
    }
}
