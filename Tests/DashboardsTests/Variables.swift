import TestSupport

/// What takes the place of a dashboard's variables.
struct Variables {
    private(set) var values: [String: String] = [
        // What Grafana gives: four scrapes or more.
        "__rate_interval": "1m"
    ]

    /// The text with the values of its variables.
    func filled(_ text: String) -> String {
        // The longest first: one name may begin another.
        values.sorted { $0.key.count > $1.key.count }.reduce(text) { text, variable in
            text.replacing("$" + variable.key, with: variable.value)
        }
    }

    /// Gives a variable all of these values, as a matcher of Grafana does.
    mutating func set(_ name: String, to found: [String]) {
        let escaped = found.map { value in
            value.replacing(#/[.+*?()|\[\]{}^$\\]/#) { "\\\\" + $0.0 }
        }
        values[name] = escaped.count == 1 ? escaped[0] : "(" + escaped.joined(separator: "|") + ")"
    }

    /// What the variable is taken from: `label_values(SELECTOR, LABEL)`.
    static func selector(of definition: String) -> (text: String, label: String)? {
        definition.wholeMatch(of: #/label_values\((.+), ([a-z_]+)\)/#).map { (String($0.1), String($0.2)) }
    }
}
