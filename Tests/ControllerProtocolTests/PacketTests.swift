import ControllerProtocol
import LinuxSystem
import TestSupport
import Testing

@Suite struct PacketTests {
    private static let secret = [UInt8](101...116).withUnsafeBytes { Secret(copying: $0) }

    /// One message of each kind, with every member set to something.
    static let examples: [any WireMessage] = [
        Hello(lowestVersion: 1, highestVersion: 7),
        Welcome(
            controllerID: 3, capabilities: 0x0000_000F_0000_0061, maximumVirtualChannelCount: 16,
            maximumDescriptorCount: 8192, minimumDescriptorCount: 32, maximumEntryCount: 64, accessGroupCount: 9,
            priorityCount: 4, regionByteCount: 1 << 24),
        Done(), Failed(errno: 22, reason: "what was wrong, and what is allowed: größer"),
        AttachRing(
            vchan: 5, descriptorCount: 1024, maximumEntryCount: 32, device: 11, priority: 3,
            sourceHandler: 1, destinationHandler: 2, offset: 1 << 20,
            faults: AttachRing.Faults(
                before: 7, isHalted: true, delay: 5_000_000, freeze: 100, halt: 200,
                failures: [.init(selection: 0, number: 3, status: 10), .init(selection: 2, number: .max, status: 256)])),
        RingAttached(vchan: 5, ring: 1 << 40), StartRing(vchan: 6), StopRings(),
        RegisterMemory(offset: 4096, byteCount: 1 << 40, isWritable: false), MemoryRegistered(iova: 1 << 57),
        UnregisterMemory(iova: .max),
        AllocateMemory(byteCount: 1 << 20), MemoryAllocated(offset: 4096), FreeMemory(offset: 8192),
        EnterGroup(group: -1, limit: 64, domain: Array(1...16), token: secret, device: 3),
        GroupEntered(group: 3, handler: 7, identity: 1 << 40, domain: Array(1...16)),
        ExitGroup(group: 3, destroys: true),
        ReadGroup(group: 3),
        GroupMembers(
            group: 3, identity: 1 << 40, limit: 0,
            members: [
                GroupMember(
                    domain: Array(1...16), handler: 7, isCreator: true, processID: 4711, devices: [0, 32767],
                    windows: [
                        .init(iova: 1 << 63, byteCount: 4096, rights: 3), .init(iova: 5, byteCount: 6, rights: 1),
                    ]), GroupMember(domain: Array(2...17), handler: 8, isCreator: false, processID: 1, windows: []),
            ]),
        OpenWindow(group: 3, rights: 2, offset: 4096, byteCount: 8192), WindowOpened(handler: 7, iova: 1 << 63),
        CloseWindow(iova: 1 << 63), CheckHandler(handler: 7), WatchRing(vchan: 5, target: 1 << 63),
        RingPublished(vchan: 5),
        GroupChanged(
            change: 3, reason: 2, group: 3, identity: 1 << 40, handler: 7, domain: Array(1...16), processID: 4711,
            device: 5, window: .init(iova: 1 << 63, byteCount: 4096, rights: 3)),
    ]

    @Test func eachKindHasAnExample() {
        #expect(Set(Self.examples.map { type(of: $0).kind }) == Set(MessageKind.allCases))
        #expect(Self.examples.count == MessageKind.allCases.count)
    }

    private func areEqual<Message: WireMessage>(_ one: Message, _ other: any WireMessage) -> Bool {
        one == other as? Message
    }

    @Test(arguments: examples.indices) func whatIsWrittenIsRead(index: Int) throws {
        let message = Self.examples[index]
        let bytes = Packet.encode(message, sequence: 0x1234_5678)
        #expect(bytes.count <= Packet.maximumLength)
        let header = try Packet.header(of: bytes)
        #expect(header.sequence == 0x1234_5678 && header.kind == type(of: message).kind)
        let read = try type(of: message).decoded(bytes)
        let isEqual = areEqual(message, read)
        #expect(isEqual)
    }

    @Test(arguments: examples.indices) func whatIsCutOrTooLongIsRefused(index: Int) throws {
        let message = Self.examples[index]
        let bytes = Packet.encode(message, sequence: 1)
        for length in bytes.indices {
            #expect(throws: WireError.self) { _ = try type(of: message).decoded(Array(bytes[..<length])) }
        }
        #expect(throws: WireError.self) { _ = try type(of: message).decoded(bytes + [0]) }
    }

    @Test(arguments: examples.indices) func eachByteCanBeAnything(index: Int) throws {
        let message = Self.examples[index]
        let bytes = Packet.encode(message, sequence: 1)
        for place in bytes.indices {
            for value in 0...UInt8.max {
                var changed = bytes
                changed[place] = value
                // An error or a message, and then the same bytes again.
                guard let read = try? type(of: message).decoded(changed) else { continue }
                let again = Packet.encode(read, sequence: try Packet.header(of: changed).sequence)
                if !(message is Failed) { #expect(again == changed) }
            }
        }
    }

    @Test func randomBytesAreMessagesOrErrors() {
        var random = SeededGenerator(for: "random packets")
        for _ in 0..<10_000 {
            var bytes = (0..<Int(random.next() % 64)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            if bytes.count >= 4, random.next() % 4 != 0 {
                bytes[0] = UInt8(truncatingIfNeeded: random.next() % 28)
                bytes.replaceSubrange(1..<4, with: [0, 0, 0])
            }
            for message in Self.examples { _ = try? type(of: message).decoded(bytes) }
        }
    }

    @Test func whatOnlyLaterVersionsKnowIsRefused() throws {
        var flags = Packet.encode(StopRings(), sequence: 1)
        flags[2] = 1
        #expect(throws: WireError.self) { _ = try Packet.header(of: flags) }
        var kind = Packet.encode(StopRings(), sequence: 1)
        kind[0] = 200
        #expect(throws: WireError.self) { _ = try Packet.header(of: kind) }
        #expect(throws: WireError.self) {
            _ = try Packet.decode(Done.self, from: Packet.encode(StopRings(), sequence: 1))
        }
    }

    /// Members and windows of any number come in parts that fit into packets, and none is lost.
    @Test func membersAreDividedIntoPackets() throws {
        var random = SeededGenerator(for: "member lists")
        for round in 0..<50 {
            let members = (0..<UInt16(round == 0 ? 0 : 1 + random.next() % 240)).map { handler in
                GroupMember(
                    domain: Array(1...16), handler: handler, isCreator: handler == 0, processID: .max,
                    devices: (0..<Int16(random.next() % 70)).map { $0 },
                    windows: (0..<random.next() % (handler % 50 == 0 ? 400 : 3)).map {
                        .init(iova: $0, byteCount: .max, rights: 3)
                    })
            }
            let parts = GroupMembers.parts(group: 1, identity: 2, limit: 3, members: members)
            #expect(parts.isEmpty == members.isEmpty)
            var joined: [GroupMember] = []
            for part in parts {
                let bytes = Packet.encode(part, sequence: .max)
                #expect(bytes.count <= Packet.maximumLength)
                for member in try Packet.decode(GroupMembers.self, from: bytes).members {
                    if joined.last?.handler == member.handler {
                        joined[joined.count - 1].windows += member.windows
                    } else {
                        joined.append(member)
                    }
                }
            }
            #expect(joined == members)
            // Every packet but the last one is nearly full.
            #expect(parts.dropLast().allSatisfy { Packet.encode($0, sequence: 1).count > Packet.maximumLength - 180 })
        }
    }

    @Test func aTextIsCutWhereTheLongestEnds() throws {
        let long = String(repeating: "x", count: 5000)
        let read = try Packet.decode(Failed.self, from: Packet.encode(Failed(errno: 1, reason: long), sequence: 1))
        #expect(read.reason == long.prefix(Packet.maximumTextLength))
    }
}

extension WireMessage {
    /// Reads a message of this type.
    fileprivate static func decoded(_ bytes: [UInt8]) throws(WireError) -> any WireMessage {
        try Packet.decode(Self.self, from: bytes)
    }
}
