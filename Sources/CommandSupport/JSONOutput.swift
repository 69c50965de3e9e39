import TelemetryWire

/// JSON for standard output.
package enum JSONOutput {
    /// JSON on one line, with the peer's numbers and order of members.
    package static func compact(_ tree: JSONTree) -> String {
        JSONValue(tree).text
    }

    /// Indented JSON.
    package static func pretty(_ tree: JSONTree, indent: String = "") -> String {
        let deeper = indent + "  "
        switch tree {
        case .array(let elements) where !elements.isEmpty:
            let lines = elements.map { deeper + pretty($0, indent: deeper) }
            return "[\n\(lines.joined(separator: ",\n"))\n\(indent)]"
        case .object(let members) where !members.isEmpty:
            let lines = members.map { "\(deeper)\(compact(.string($0.name))): \(pretty($0.value, indent: deeper))" }
            return "{\n\(lines.joined(separator: ",\n"))\n\(indent)}"
        default:
            return compact(tree)
        }
    }

    /// A value for a table's cell: strings without quotes, a dash for null or a missing value.
    package static func cell(_ tree: JSONTree?) -> String {
        switch tree {
        case nil, .null?: "-"
        case .string(let text)?: text
        case let other?: compact(other)
        }
    }
}
