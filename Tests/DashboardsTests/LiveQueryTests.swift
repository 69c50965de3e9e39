import TestSupport
import Testing

/// Runs every query of dashboards and rules on a real Prometheus that scrapes a real dmascope with a workload.
@Suite struct LiveQueryTests {
    /// A query of a panel and of a recording rule has to give data as it is, with all values of the variables that its
    /// dashboard finds. Of an alert and of an annotation, which are to give nothing here, each metric with its matchers
    /// has to, without the function around it, its range, its offset and its limit: so that no alert is quiet because it
    /// looks at nothing.
    @Test func everyQueryGivesData() throws {
        let scene = try LiveScene()
        let prometheus = try LivePrometheus(scraping: scene.address, in: scene.directory)
        var open: [(place: String, text: String)] = []
        for rule in try RuleFile.recording() {
            let name = try #require(rule.record)
            open += [("the rule \(name)", rule.expr), ("what is recorded", name)]
        }
        for alert in try RuleFile.alerts() {
            // That Prometheus takes it.
            _ = try prometheus.ask(alert.expr)
            open += Expression(alert.expr).selectors
                .filter { LiveScene.hasUntrustedSource || !$0.text.contains("untrusted") }
                .map { ("\(alert.alert ?? ""), \($0.name)", $0.text) }
        }
        // Values of variables come first, as in a browser; then whatever they are put into.
        try Self.wait(for: [("every source", "sum(dmascope_scrape_success) == 3")], prometheus)
        for file in Dashboard.files {
            let dashboard = try file.dashboard()
            let variables = try Self.variables(of: dashboard, prometheus)
            open += dashboard.panelQueries.map { ($0.place, variables.filled($0.expression)) }
            for (place, expression) in dashboard.annotationQueries {
                let query = variables.filled(expression)
                _ = try prometheus.ask(query)
                open += Expression(query).selectors.map { (place, $0.text) }
            }
        }
        #expect(open.count > 100)
        try Self.wait(for: open, prometheus)
    }

    /// The values that a reader can choose.
    private static func variables(of dashboard: Dashboard, _ prometheus: LivePrometheus) throws -> Variables {
        var variables = Variables()
        for variable in dashboard.templating.list where variable.type == "query" {
            let definition = variables.filled(variable.definition ?? "")
            let (selector, label) = try #require(Variables.selector(of: definition), "\(variable.name)")
            try wait(for: [(variable.name, selector)], prometheus)
            let found = Set(try prometheus.ask(selector).compactMap { $0.labels[label] }).sorted()
            #expect(!found.isEmpty, "\(dashboard.uid), \(variable.name)")
            variables.set(variable.name, to: found)
        }
        return variables
    }

    /// Asks until every query has given a number.
    private static func wait(for queries: [(place: String, text: String)], _ prometheus: LivePrometheus) throws {
        var open = queries
        let end = ContinuousClock.now + .seconds(240)
        while true {
            open = try open.filter { try !prometheus.ask($0.text).contains { !$0.value.isNaN } }
            if open.isEmpty { return }
            guard ContinuousClock.now < end else {
                throw TestSupportError(
                    "these give no data:\n" + open.map { "\($0.place): \($0.text)" }.joined(separator: "\n"))
            }
        }
    }
}
