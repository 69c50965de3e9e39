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

    /// The members of these names that are numbers, texts or Booleans, in the order of the names.
    func members(_ names: [String]) -> [Member] {
        names.compactMap { name in
            switch self[name] {
            case .string(let text)?: Member(name, .text(text))
            case .array?, .object?, .null?, nil: nil
            case let value?: Member(name, value)
            }
        }
    }

    /// The first elements of an array, each with its members of these names.
    func rows(_ names: [String], limit: Int) -> JSONTree {
        .array(elements.prefix(limit).map { .object($0.members(names)) })
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
