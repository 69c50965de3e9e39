import MetricsExporter
import TelemetryWire

/// Selects what is shown from replies of untrusted peers.
extension JSONTree {
    /// A non-negative integer.
    static func count(_ value: UInt64) -> JSONTree {
        Int64(exactly: value).map(JSONTree.integer) ?? .unsigned(value)
    }

    /// The text of an untrusted peer, cut to the length of a label; null when there is none.
    static func text(_ value: String?) -> JSONTree {
        value.map { .string(JSONReader.label($0)) } ?? .null
    }

    /// The members of an object that are shown. Members of another kind are left out.
    func members(_ fields: PageFields) -> [Member] {
        let texts = fields.texts.compactMap { name in
            self[name]?.string.map { Member(name, .text($0)) }
        }
        return texts
            + fields.numbers.compactMap { name in
                guard let number = self[name], number.isNumber else { return nil }
                return Member(name, number)
            }
    }

    /// The first elements of an array, each reduced to the members that are shown.
    func rows(_ fields: PageFields, limit: Int) -> JSONTree {
        .array(elements.prefix(limit).map { .object($0.members(fields)) })
    }

    /// Whether it is a number in the range of counters and times, which readers of the JSON can convert.
    private var isNumber: Bool {
        switch self {
        case .integer, .unsigned: true
        case .double(let value): abs(value) < 0x1p63
        default: false
        }
    }

    /// The first elements of an array; others than integers and texts are left out.
    func scalars(limit: Int) -> JSONTree {
        .array(
            elements.prefix(limit).compactMap { element in
                switch element {
                case .string(let text): .text(text)
                case .integer, .unsigned: element
                default: nil
                }
            })
    }
}
