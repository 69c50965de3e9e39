import ControllerProtocol
import DomainLink

extension FuzzKind {
    /// The bytes of a stream from a guest. The first byte is the length of the pieces in which they are received.
    static let frames = FuzzKind(name: "frames") { bytes in
        var input = InputReader(bytes)
        let pieceLength = Int(input.byte()) + 1
        let whole = FrameStream(input.rest, pieceLength: .max)
        let cut = FrameStream(input.rest, pieceLength: pieceLength)
        require(whole.frames == cut.frames, "pieces of \(pieceLength) bytes: \(cut.frames) instead of \(whole.frames)")
        require(
            whole.skippedByteCount == cut.skippedByteCount,
            "pieces of \(pieceLength) bytes: \(cut.skippedByteCount) skipped instead of \(whole.skippedByteCount)")
    }
}

/// What a decoder finds in a stream.
@MainActor
private struct FrameStream {
    nonisolated struct Frame: Equatable {
        let header: FrameHeader
        let payload: [UInt8]
    }

    private(set) var frames: [Frame] = []
    private(set) var skippedByteCount: UInt64

    init(_ stream: UnsafeRawBufferPointer, pieceLength: Int) {
        var decoder = FrameDecoder()
        var rest = stream[...]
        while !rest.isEmpty {
            let count = decoder.receive { memory in
                let piece = rest.prefix(min(pieceLength, memory.count))
                memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: piece))
                return piece.count
            }
            rest = rest.dropFirst(count)
            while let frame = decoder.next() {
                Self.check(frame)
                frames.append(Frame(header: frame.header, payload: Array(frame.payload)))
            }
        }
        // What is left is the beginning of a frame that does not become complete.
        for _ in 0..<stream.count where decoder.hasIncompleteFrame {
            decoder.skipIncompleteFrame()
            while let frame = decoder.next() {
                Self.check(frame)
                frames.append(Frame(header: frame.header, payload: Array(frame.payload)))
            }
        }
        decoder.reset()
        skippedByteCount = decoder.skippedByteCount
        let length = frames.reduce(0) { $0 + FrameHeader.byteCount + $1.payload.count }
        require(
            length + Int(skippedByteCount) == stream.count, "\(length) and \(skippedByteCount) of \(stream.count) bytes"
        )
    }

    private static func check(_ frame: ReceivedFrame) {
        require(frame.payload.count == frame.header.length, "\(frame.header) has \(frame.payload.count) bytes")
        switch frame.header.kind {
        case .hello: check(LinkHello.self, frame)
        case .welcome: check(LinkWelcome.self, frame)
        case .open: check(OpenRequest.self, frame)
        case .sources: check(SourceList.self, frame)
        case .failed: check(SessionFailure.self, frame)
        case .packet: _ = MessageCode.check(frame.payload)
        case .heartbeat, .close, .bell: break
        }
    }

    /// A message that can be decoded has no other form.
    private static func check<Message: LinkMessage>(_ type: Message.Type, _ frame: ReceivedFrame) {
        guard let message = try? Message(frame.payload) else { return }
        let encoded = message.withPayload { Array($0) }
        // Invalid UTF-8 in a text is replaced by U+FFFD, whose first byte is this.
        require(
            encoded.elementsEqual(frame.payload) || encoded.contains(0xEF),
            "\(Array(frame.payload)) is decoded, and encoded to \(encoded)")
    }
}
