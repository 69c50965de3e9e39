import ControllerProtocol
import DomainLink
import TestSupport
import Testing

@Suite struct LinkMessageTests {
    static let examples: [any LinkMessage] = [
        LinkHello(lowestVersion: 1, highestVersion: 9),
        LinkWelcome(version: 1, regionByteCount: 1 << 40, domain: "größer"),
        OpenRequest.control(processID: -1, userID: .max, identity: 1 << 63),
        OpenRequest.telemetry(source: "dmascope:1"), SourceList(["a", ""]), SourceList([]), SessionFailure("why"),
        SourceList((0..<SourceList.maximumCount).map { "\($0)" + String(repeating: "x", count: 390) }),
    ]

    private static func bytes(of message: some LinkMessage) -> [UInt8] { message.withPayload { Array($0) } }

    private static func decode<Message: LinkMessage>(_ bytes: [UInt8], as _: Message.Type) throws(WireError) -> Message
    {
        try bytes.withUnsafeBufferPointer { bytes throws(WireError) in try Message(UnsafeRawBufferPointer(bytes)) }
    }

    private static func check<Message: LinkMessage>(_ message: Message) throws {
        let bytes = bytes(of: message)
        #expect(try decode(bytes, as: Message.self) == message)
        for count in 0..<bytes.count {
            #expect(throws: WireError.self) { try decode(Array(bytes.prefix(count)), as: Message.self) }
        }
        #expect(throws: WireError.self) { try decode(bytes + [0], as: Message.self) }
    }

    @Test func `messages are read as they were written, and only whole`() throws {
        for example in Self.examples { try Self.check(example) }
    }

    @Test func `no payload traps`() {
        var random = SeededGenerator(for: "random payloads")
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...64, using: &random)).map { _ in UInt8.random(in: 0...9, using: &random)
            }
            _ = try? Self.decode(bytes, as: LinkHello.self)
            _ = try? Self.decode(bytes, as: LinkWelcome.self)
            _ = try? Self.decode(bytes, as: OpenRequest.self)
            _ = try? Self.decode(bytes, as: SourceList.self)
            _ = try? Self.decode(bytes, as: SessionFailure.self)
        }
    }

    @Test func `a list of telemetry sockets with a name twice, or too many names, is refused`() {
        let twice = Self.bytes(of: SourceList(["a", "b"])).map { $0 == UInt8(ascii: "b") ? UInt8(ascii: "a") : $0 }
        #expect(throws: WireError.self) { try Self.decode(twice, as: SourceList.self) }
        let many = [UInt8(SourceList.maximumCount + 1), 0, 0, 0] + [UInt8](repeating: 0, count: 1000)
        #expect(throws: WireError.self) { try Self.decode(many, as: SourceList.self) }
    }
}
