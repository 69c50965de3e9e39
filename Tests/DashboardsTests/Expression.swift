/// A Prometheus query, parsed as far as needed to find the metrics in it.
struct Expression {
    /// A metric with its matchers, as `up{job="dmascope"}`.
    struct Selector: Hashable {
        let name: String
        let text: String
    }

    /// Every metric that is named, without ranges and offsets.
    let selectors: [Selector]

    private static let grouping: Set<Substring> = ["by", "without", "on", "ignoring", "group_left", "group_right"]
    private static let words: Set<Substring> = ["and", "or", "unless", "offset", "bool", "inf", "nan"]

    init(_ text: String) {
        var rest = text[...]
        var selectors: [Selector] = []
        while let first = rest.first {
            if first == "\"" {
                Self.skip("\"", "\"", in: &rest)
            } else if first == "[" {
                Self.skip("[", "]", in: &rest)
            } else if first.isNumber {
                rest = rest.drop { $0.isNumber || $0.isLetter || $0 == "." }
            } else if Self.isName(first) {
                let word = rest.prefix(while: Self.isName)
                rest = rest.dropFirst(word.count)
                let next = rest.drop(while: \.isWhitespace)
                if Self.grouping.contains(word) {
                    if next.first == "(" {
                        rest = next
                        Self.skip("(", ")", in: &rest)
                    }
                } else if !Self.words.contains(word), next.first != "(",
                    !["by", "without"].contains(next.prefix(while: Self.isName))
                {
                    var matchers = Substring()
                    if next.first == "{" {
                        rest = next
                        let start = rest
                        Self.skip("{", "}", in: &rest)
                        matchers = start[..<rest.startIndex]
                    }
                    selectors.append(Selector(name: String(word), text: String(word) + matchers))
                }
            } else {
                rest.removeFirst()
            }
        }
        self.selectors = selectors
    }

    private static func isName(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || character == "_" || character == ":")
    }

    /// Goes behind what closes; nothing inside text in quotes does.
    private static func skip(_ open: Character, _ close: Character, in rest: inout Substring) {
        rest.removeFirst()
        while let character = rest.first, character != close {
            if character == "\"" {
                skip("\"", "\"", in: &rest)
            } else {
                rest = rest.dropFirst(character == "\\" ? 2 : 1)
            }
        }
        rest = rest.dropFirst()
    }
}
