import TestSupport

/// A file of rules.
struct RuleFile: Decodable {
    let groups: [Group]

    struct Group: Decodable { let rules: [Rule] }

    struct Rule: Decodable {
        let record: String?
        let alert: String?
        let expr: String
        /// How long before an alert fires.
        let duration: String?
        let labels: [String: String]?
        let annotations: [String: String]?

        enum CodingKeys: String, CodingKey {
            case record, alert, expr, labels, annotations
            case duration = "for"
        }
    }

    static func recording() throws -> [Rule] { try rules("recording.yml") }

    static func alerts() throws -> [Rule] { try rules("alerts.yml") }

    private static func rules(_ name: String) throws -> [Rule] {
        try DashboardFolder.yaml("prometheus/\(name)", as: RuleFile.self).groups.flatMap(\.rules)
    }
}

/// What `promtool test rules` is given.
struct RuleTestFile: Decodable {
    let tests: [Case]

    struct Case: Decodable {
        let name: String
        let expectations: [Expectation]

        enum CodingKeys: String, CodingKey {
            case name
            case expectations = "alert_rule_test"
        }
    }

    struct Expectation: Decodable {
        let alert: String
        let firing: [Alert]

        enum CodingKeys: String, CodingKey {
            case alert = "alertname"
            case firing = "exp_alerts"
        }
    }

    struct Alert: Decodable {
        let labels: [String: String]
        let annotations: [String: String]

        enum CodingKeys: String, CodingKey {
            case labels = "exp_labels"
            case annotations = "exp_annotations"
        }
    }
}
