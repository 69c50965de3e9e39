import OpenMetricsText
import TelemetryWire

/// Takes values out of a reply of a stranger: what is missing, or of another kind, is not there.
package struct JSONReader {
    /// Labels are for names; a stranger's may not fill the memory.
    static let longestLabel = 256

    private let tree: JSONTree

    init(_ tree: JSONTree) {
        self.tree = tree
    }

    /// A member that is a number.
    func number(_ name: String) -> MetricNumber? { tree[name].flatMap(Self.number) }

    /// A member that is an integer from 0 on.
    func unsigned(_ name: String) -> UInt64? { tree[name]?.unsigned }

    /// A member as a label: text, or a number's digits. Empty when it is not there.
    func label(_ name: String) -> String {
        tree[name].map(Self.label) ?? ""
    }

    /// The elements of a member that is an array, as labels.
    func labels(_ name: String) -> [String] { (tree[name]?.elements ?? []).map(Self.label) }

    /// A member that is an object or an array.
    func reader(_ name: String) -> JSONReader { JSONReader(tree[name] ?? .null) }

    /// The elements of an array.
    var elements: [JSONReader] { tree.elements.map(JSONReader.init) }

    /// Each member that is a number and whose name begins so: a point with the rest of the name as a label.
    func points(prefix: String = "", label: String) -> [MetricPoint] {
        tree.members.compactMap { member in
            guard member.name.hasPrefix(prefix), let number = Self.number(member.value) else { return nil }
            return MetricPoint([label: Self.label(String(member.name.dropFirst(prefix.count)))], number)
        }
    }

    /// A stranger's text, cut.
    package static func label(_ text: String) -> String {
        text.utf8.count <= longestLabel ? text : String(decoding: text.utf8.prefix(longestLabel), as: UTF8.self)
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
