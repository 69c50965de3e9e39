/// The keys of the live table.
enum TopKey: Equatable, CaseIterable {
    case quit, suspend, pause, sort, reverse, slower, faster, help

    /// The bytes that a terminal sends for the key.
    private var bytes: [UInt8] {
        switch self {
        case .quit: [UInt8(ascii: "q"), UInt8(ascii: "Q"), 3]
        case .suspend: [26]
        case .pause: [UInt8(ascii: "p"), UInt8(ascii: " ")]
        case .sort: [UInt8(ascii: "s")]
        case .reverse: [UInt8(ascii: "r")]
        case .slower: [UInt8(ascii: "+")]
        case .faster: [UInt8(ascii: "-")]
        case .help: [UInt8(ascii: "?"), UInt8(ascii: "h")]
        }
    }

    /// The keys in a terminal's input. Escape sequences of other keys, for example arrows, are skipped.
    static func keys(in bytes: [UInt8]) -> [TopKey] {
        enum Place { case text, escape, sequence }
        var place = Place.text
        var keys: [TopKey] = []
        for byte in bytes {
            switch place {
            case .text where byte == 0x1B: place = .escape
            case .text: if let key = allCases.first(where: { $0.bytes.contains(byte) }) { keys.append(key) }
            case .escape: place = byte == UInt8(ascii: "[") || byte == UInt8(ascii: "O") ? .sequence : .text
            case .sequence: if (0x40...0x7E).contains(byte) { place = .text }
            }
        }
        return keys
    }
}
