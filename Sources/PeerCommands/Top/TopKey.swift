/// A key of a terminal.
enum TopKey: Hashable {
    /// Also control characters, as Ctrl-C.
    case character(Character)
    case enter, escape, backspace, up, down, pageUp, pageDown, home, end

    /// The keys in a terminal's input. Escape sequences of other keys are skipped.
    static func keys(in bytes: [UInt8]) -> [TopKey] {
        enum Place { case text, escape, sequence }
        var place = Place.text
        var sequence: [UInt8] = []
        var keys: [TopKey] = []
        for character in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            let byte = UInt8(exactly: character.value) ?? 0
            switch place {
            case .text where byte == 0x1B: place = .escape
            case .text: keys.append(key(character))
            case .escape where byte == UInt8(ascii: "[") || byte == UInt8(ascii: "O"):
                (place, sequence) = (.sequence, [])
            case .escape where byte == 0x1B: keys.append(.escape)
            case .escape:
                keys += [.escape, key(character)]
                place = .text
            case .sequence:
                sequence.append(byte)
                guard (0x40...0x7E).contains(byte) else { continue }
                if let key = Self.sequences[String(decoding: sequence, as: UTF8.self)] { keys.append(key) }
                place = .text
            }
        }
        return place == .escape ? keys + [.escape] : keys
    }

    private static func key(_ scalar: Unicode.Scalar) -> TopKey {
        switch scalar {
        case "\r", "\n": .enter
        case "\u{8}", "\u{7F}": .backspace
        default: .character(Character(scalar))
        }
    }

    /// What follows the beginning of an escape sequence, of the terminals of today.
    private static let sequences: [String: TopKey] = [
        "A": .up, "B": .down, "H": .home, "F": .end, "1~": .home, "7~": .home, "4~": .end, "8~": .end, "5~": .pageUp,
        "6~": .pageDown,
    ]
}
