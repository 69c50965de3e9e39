/// A name in the order in which people count: `dma2` before `dma10`.
struct NaturalText: Comparable {
    private let parts: [Part]
    private let text: String

    private enum Part: Comparable {
        case number(Double)
        case text(String)
    }

    init(_ text: String) {
        self.text = text
        var parts: [Part] = []
        var rest = text[...]
        while let first = rest.first {
            let isDigit = first.isASCIIDigit
            let part = rest.prefix { $0.isASCIIDigit == isDigit }
            parts.append(isDigit ? .number(Double(part) ?? 0) : .text(String(part)))
            rest = rest.dropFirst(part.count)
        }
        self.parts = parts
    }

    static func < (left: NaturalText, right: NaturalText) -> Bool {
        left.parts == right.parts ? left.text < right.text : left.parts.lexicographicallyPrecedes(right.parts)
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
}
