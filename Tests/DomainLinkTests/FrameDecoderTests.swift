import DomainLink
import TestSupport
import Testing

@Suite struct FrameDecoderTests {
    /// A frame with its payload.
    struct Sample: Equatable {
        var header: FrameHeader
        var payload: [UInt8]

        init(_ kind: FrameKind, nonce: UInt64 = 7, connection: UInt32 = 3, payload: [UInt8] = []) {
            header = FrameHeader(kind: kind, nonce: nonce, connection: connection, length: payload.count)
            self.payload = payload
        }

        init(_ frame: ReceivedFrame) {
            header = frame.header
            payload = Array(frame.payload)
        }

        var bytes: [UInt8] {
            var bytes = [UInt8](repeating: 0, count: FrameHeader.byteCount)
            bytes.withUnsafeMutableBytes { header.write(to: $0) }
            return bytes + payload
        }
    }

    /// Passes bytes to a decoder in pieces, and returns the frames that it finds.
    static func decode(
        _ bytes: [UInt8], with decoder: inout FrameDecoder, pieceLength: () -> Int = { 4096 }
    ) -> [Sample] {
        var found: [Sample] = []
        var offset = 0
        while offset < bytes.count {
            offset += decoder.receive { memory in
                let piece = bytes[offset...].prefix(min(max(pieceLength(), 1), memory.count))
                memory.copyBytes(from: piece)
                return piece.count
            }
            while let frame = decoder.next() { found.append(Sample(frame)) }
        }
        return found
    }

    static let samples = [
        Sample(.hello, payload: [1, 0, 1, 0]), Sample(.heartbeat), Sample(.packet, payload: Array(0...200)),
        Sample(.packet, payload: [UInt8](repeating: 0x44, count: FrameHeader.maximumPayloadLength)), Sample(.close),
        Sample(.bell, connection: .max), Sample(.packet, nonce: .max, payload: [0x44, 0x4D, 0x41]),
    ]

    @Test func `frames are found however the stream is cut`() {
        var random = SeededGenerator(for: "cut stream")
        let bytes = Self.samples.flatMap(\.bytes)
        for limit in [1, 3, 24, 5000, 1 << 20] {
            var decoder = FrameDecoder()
            let found = Self.decode(bytes, with: &decoder) { .random(in: 1...limit, using: &random) }
            #expect(found == Self.samples)
            let skipped = decoder.skippedByteCount
            #expect(skipped == 0)
        }
    }

    @Test func `what is no frame is skipped and counted`() {
        var tooLong = Sample(.packet, payload: []).bytes
        tooLong.replaceSubrange(20..<24, with: [0xFF, 0xFF, 0xFF, 0xFF])
        var unknownKind = Sample(.packet).bytes
        unknownKind[4] = 99
        var reserved = Sample(.packet).bytes
        reserved[7] = 1
        let heartbeatWithPayload = Sample(.heartbeat, payload: [1]).bytes
        for junk in [tooLong, unknownKind, reserved, heartbeatWithPayload, [0x44, 0x4D, 0x41], [0x44], Array(0...255)] {
            var decoder = FrameDecoder()
            let bytes = Self.samples.flatMap { junk + $0.bytes + junk }
            #expect(Self.decode(bytes, with: &decoder) == Self.samples)
            // A part of the last one can be the beginning of a frame.
            let all = junk.count * Self.samples.count * 2
            let skipped = Int(decoder.skippedByteCount)
            #expect((all - FrameHeader.byteCount...all).contains(skipped))
        }
    }

    @Test func `a frame that was given up hides none that follows it`() {
        var decoder = FrameDecoder()
        // The guest was reset after the header and a byte.
        let cut = Array(Sample(.packet, payload: [UInt8](repeating: 1, count: 100_000)).bytes.prefix(25))
        let greeting = Sample(.hello, nonce: 8, payload: [1, 0, 1, 0])
        #expect(Self.decode(cut + greeting.bytes, with: &decoder) == [])
        let isIncomplete = decoder.hasIncompleteFrame
        #expect(isIncomplete)
        decoder.skipIncompleteFrame()
        let (found, isComplete) = (decoder.next().map(Sample.init), !decoder.hasIncompleteFrame)
        #expect(found == greeting)
        #expect(isComplete)
        let skipped = decoder.skippedByteCount
        #expect(skipped == 25)
    }

    @Test func `no bytes trap, and valid frames among them are found`() {
        var random = SeededGenerator(for: "random stream")
        var decoder = FrameDecoder()
        let marker = Sample(.bell, nonce: 0x1234_5678_9ABC_DEF0)
        let valid = Self.samples.filter { $0.payload.count < 1000 }.map(\.bytes)
        for _ in 0..<100 {
            var bytes: [UInt8] = []
            while bytes.count < 80_000 {
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes += (0..<64).map { _ in .random(in: 0...255, using: &random) }
                case 1: bytes += valid[Int.random(in: 0..<valid.count, using: &random)]
                case 2: bytes += [0x44, 0x4D, 0x41, 0x4F].prefix(.random(in: 1...4, using: &random))
                default:
                    var frame = valid[Int.random(in: 0..<valid.count, using: &random)]
                    frame[Int.random(in: 0..<frame.count, using: &random)] = .random(in: 0...255, using: &random)
                    bytes += frame
                }
            }
            let found = Self.decode(bytes, with: &decoder) { .random(in: 1...70_000, using: &random) }
            #expect(found.allSatisfy { $0.payload.count <= FrameHeader.maximumPayloadLength })
            // A damaged header can claim the bytes that follow, also a part of the marker: no frame reaches over this gap.
            let gap = [UInt8](repeating: 0, count: FrameHeader.maximumPayloadLength)
            let last = Self.decode(gap + marker.bytes, with: &decoder)
            #expect(last.last == marker)
        }
    }
}
