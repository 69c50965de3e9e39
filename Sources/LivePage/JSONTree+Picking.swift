import MetricsExporter
import TelemetryWire

/// Taking what is shown out of replies of strangers.
extension JSONTree {
    /// A number that is never negative.
    static func count(_ value: UInt64) -> JSONTree {
        Int64(exactly: value).map(JSONTree.integer) ?? .unsigned(value)
    }

    /// A stranger's text, cut to the length of a label; null when there is none.
    static func text(_ value: String?) -> JSONTree {
        value.map { .string(JSONReader.label($0)) } ?? .null
    }

    /// The members that are shown of an object.
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

    /// The first elements of an array, each with what is shown of it.
    func rows(_ fields: PageFields, limit: Int) -> JSONTree {
        .array(elements.prefix(limit).map { .object($0.members(fields)) })
    }

    /// Whether it is a number that nobody stumbles over: as large as counters and times can be, and no larger.
    private var isNumber: Bool {
        switch self {
        case .integer, .unsigned: true
        case .double(let value): abs(value) < 0x1p63
        default: false
        }
    }

    /// The first elements of an array that are integers or texts.
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
