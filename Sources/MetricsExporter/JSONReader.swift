import OpenMetricsText
import TelemetryWire

/// Reads values from a reply of an untrusted peer: a member that is missing or of another kind reads as absent.
package struct JSONReader {
    /// Bytes of UTF-8 in a label: the text of an untrusted peer must not fill the memory.
    static let maximumLabelLength = 256

    private let tree: JSONTree

    init(_ tree: JSONTree) {
        self.tree = tree
    }

    /// The number in a member; `nil` when there is none.
    func number(_ name: String) -> MetricNumber? { tree[name].flatMap(Self.number) }

    /// The non-negative integer in a member; `nil` when there is none.
    func unsigned(_ name: String) -> UInt64? { tree[name]?.unsigned }

    /// A member as a label: text, or the digits of a number. Empty when the member is absent.
    func label(_ name: String) -> String {
        tree[name].map(Self.label) ?? ""
    }

    /// The elements of a member that is an array, as labels.
    func labels(_ name: String) -> [String] { (tree[name]?.elements ?? []).map(Self.label) }

    /// A reader of a member that is an object or an array.
    func reader(_ name: String) -> JSONReader { JSONReader(tree[name] ?? .null) }

    /// The elements of an array.
    var elements: [JSONReader] { tree.elements.map(JSONReader.init) }

    /// A point for each member that is a number and whose name has the prefix; the rest of the name is the label.
    func points(prefix: String = "", label: String) -> [MetricPoint] {
        tree.members.compactMap { member in
            guard member.name.hasPrefix(prefix), let number = Self.number(member.value) else { return nil }
            return MetricPoint([label: Self.label(String(member.name.dropFirst(prefix.count)))], number)
        }
    }

    /// The text of an untrusted peer, cut to `maximumLabelLength` bytes.
    package static func label(_ text: String) -> String {
        text.utf8.count <= maximumLabelLength
            ? text : String(decoding: text.utf8.prefix(maximumLabelLength), as: UTF8.self)
    }

    private static func label(_ tree: JSONTree) -> String {
        if case .string(let text) = tree { return label(text) }
        return number(tree)?.text ?? ""
    }

    private static func number(_ tree: JSONTree) -> MetricNumber? {
        switch tree {
        case .integer(let value): .signed(value)
        case .unsigned(let value): .unsigned(value)
        case .double(let value): .real(value)
        default: nil
        }
    }
}
