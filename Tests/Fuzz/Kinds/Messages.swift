import ControllerProtocol

extension FuzzKind {
    /// One packet of the control socket, of any kind, which either side may receive.
    static let messages = FuzzKind(name: "messages") { _ = MessageCode.check($0) }
}

/// A packet that can be decoded has no other form: it encodes to the same bytes.
@MainActor
enum MessageCode {
    private static let types: [any WireMessage.Type] = [
        Hello.self, Welcome.self, Done.self, Failed.self, AttachRing.self, RingAttached.self, StartRing.self,
        StopRings.self,
        RegisterMemory.self, MemoryRegistered.self, UnregisterMemory.self, AllocateMemory.self,
        MemoryAllocated.self, FreeMemory.self, EnterGroup.self, GroupEntered.self,
        ExitGroup.self, ReadGroup.self, OpenWindow.self, WindowOpened.self, CloseWindow.self, CheckHandler.self,
        GroupChanged.self, GroupMembers.self, WatchRing.self, RingPublished.self,
    ]

    /// Returns whether the packet is a message.
    static func check(_ packet: UnsafeRawBufferPointer) -> Bool {
        guard packet.count <= Packet.maximumLength, let header = try? Packet.header(of: packet) else { return false }
        guard let type = types.first(where: { $0.kind == header.kind }) else { fail("no type of \(header.kind)") }
        return check(type, packet, header.sequence)
    }

    private static func check<Message: WireMessage>(
        _ type: Message.Type, _ packet: UnsafeRawBufferPointer, _ sequence: UInt32
    ) -> Bool {
        guard let message = try? Packet.decode(type, from: packet) else { return false }
        let encoded = Packet.encode(message, sequence: sequence)
        // Invalid UTF-8 in a text is replaced.
        require(
            encoded.elementsEqual(packet) || type == Failed.self,
            "\(Array(packet)) is decoded, and encoded to \(encoded)")
        return true
    }
}
