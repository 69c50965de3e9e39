/// Reads a line with a value by the grammar, byte by byte: a text of many sources has a hundred thousand lines, for which regular
/// expressions take minutes.
struct LineReader {
    private let bytes: [UInt8]
    private var place = 0
    private var seriesEnd = 0

    init(_ line: Substring) {
        bytes = Array(line.utf8)
    }

    /// Name and labels of the sample that was read, as they are written.
    var series: String { text(0..<seriesEnd) }

    /// The sample of the line; `nil` for a line that breaks the grammar.
    mutating func sample() -> Exposition.Sample? {
        guard let name = name(hasColons: true), let labels = labels() else { return nil }
        seriesEnd = place
        guard take(" "), let value = value() else { return nil }
        return Exposition.Sample(name: name, labels: labels, text: value)
    }

    private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

    private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }

    /// Takes bytes as long as they are allowed, and returns their number.
    private mutating func takeAll(_ isAllowed: (UInt8) -> Bool) -> Int {
        let start = place
        while let byte = next, isAllowed(byte) { place += 1 }
        return place - start
    }

    private mutating func name(hasColons: Bool) -> String? {
        let start = place
        if let byte = next, Self.isDigit(byte) { return nil }
        let count = takeAll { byte in
            Self.isDigit(byte) || byte == UInt8(ascii: "_") || (hasColons && byte == UInt8(ascii: ":"))
                || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
        }
        return count > 0 ? text(start..<place) : nil
    }

    /// The labels with the escapes undone; `nil` where they break the grammar or one is there twice.
    private mutating func labels() -> [String: String]? {
        var labels: [String: String] = [:]
        guard take("{") else { return labels }
        repeat {
            guard let name = name(hasColons: false), take("="), let value = quoted(),
                labels.updateValue(value, forKey: name) == nil
            else { return nil }
        } while take(",")
        return take("}") ? labels : nil
    }

    private mutating func quoted() -> String? {
        guard take("\"") else { return nil }
        var value: [UInt8] = []
        while let byte = next {
            place += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: value, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let escaped = next, [UInt8](#"\n""#.utf8).contains(escaped) else { return nil }
                place += 1
                value.append(escaped == UInt8(ascii: "n") ? UInt8(ascii: "\n") : escaped)
            default: value.append(byte)
            }
        }
        return nil
    }

    /// The rest of the line: a number, an infinity with its sign, or NaN.
    private mutating func value() -> String? {
        let rest = text(place..<bytes.count)
        if ["+Inf", "-Inf", "NaN"].contains(rest) { return rest }
        if !take("+") { _ = take("-") }
        guard let first = next, Self.isDigit(first) else { return nil }
        _ = takeAll { Self.isDigit($0) || $0 == UInt8(ascii: ".") }
        if take("e") {
            if !take("+") { _ = take("-") }
            guard takeAll(Self.isDigit) > 0 else { return nil }
        }
        return place == bytes.count ? rest : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }
}
