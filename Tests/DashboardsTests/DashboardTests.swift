import Foundation
import MetricsExporter
import OpenMetricsText
import Testing

/// The files of the dashboards, looked at without a Grafana.
@Suite struct DashboardTests {
    @Test func theDashboardsAreToldApart() throws {
        let dashboards = try Dashboard.files.map { try $0.dashboard() }
        #expect(dashboards.map(\.uid) == ["dmascope-access-groups", "dmascope-device", "dmascope-fleet"])
        #expect(Set(dashboards.map(\.title)).count == dashboards.count)
    }

    @Test(arguments: Dashboard.files) func everyPanelSaysWhatItShows(file: Dashboard.File) throws {
        let dashboard = try file.dashboard()
        #expect(file.name == dashboard.uid.dropFirst("dmascope-".count) + ".json")
        // A number of one Grafana's database would replace another dashboard in the next one's.
        let top = try #require(JSONSerialization.jsonObject(with: Data(file.text.utf8)) as? [String: Any])
        #expect(top["id"] == nil)
        #expect(dashboard.description.hasSuffix("."))
        #expect(Set(dashboard.panels.map(\.id)).count == dashboard.panels.count)
        for panel in dashboard.panels where panel.type != "row" {
            #expect(panel.description?.hasSuffix(".") == true, "\(panel.title)")
            #expect(panel.fieldConfig?.defaults.unit?.isEmpty == false, "\(panel.title)")
            #expect(panel.targets?.isEmpty == false, "\(panel.title)")
            for target in panel.targets ?? [] {
                #expect(target.datasource.uid == "${datasource}", "\(panel.title)")
                #expect(!target.legendFormat.isEmpty || ["stat", "table"].contains(panel.type), "\(panel.title)")
            }
        }
    }

    /// The first versions of Grafana with a schema: an older one would not know what is in the file.
    private static let schemas = [39: "10.3", 40: "11.5", 41: "11.6"]

    @Test(arguments: Dashboard.files) func theGrafanaThatIsNeededIsNamed(file: Dashboard.File) throws {
        let version = try #require(Self.schemas[file.dashboard().schemaVersion])
        #expect(try DashboardFolder.text("README.md").contains("The dashboards need Grafana \(version) or later."))
    }

    /// A device, a channel or an engine alone does not tell which process it is of, nor on which machine.
    @Test(arguments: Dashboard.files) func legendsNameTheProcess(file: Dashboard.File) throws {
        let dashboard = try file.dashboard()
        let legends = dashboard.panels.flatMap { $0.targets ?? [] }.map(\.legendFormat)
        var count = 0
        for legend in legends
        where legend.contains(#/\{\{(name|vchan|engine|thread|run_directory|prefix|prefix_instance)\}\}/#) {
            #expect(legend.contains("{{instance}} {{run_directory}}/{{prefix}}:{{prefix_instance}}"), "\(legend)")
            count += 1
        }
        #expect(count > 5)
    }

    @Test(arguments: Dashboard.files) func panelsLieSideBySide(file: Dashboard.File) throws {
        let panels = try file.dashboard().panels
        for (number, panel) in panels.enumerated() {
            #expect(panel.gridPos.x >= 0 && panel.gridPos.x + panel.gridPos.w <= 24, "\(panel.title)")
            for other in panels[..<number] {
                #expect(!panel.gridPos.overlaps(other.gridPos), "\(panel.title) and \(other.title)")
            }
        }
    }

    @Test(arguments: Dashboard.files) func everyVariableIsDefinedAndUsed(file: Dashboard.File) throws {
        let dashboard = try file.dashboard()
        let defined = dashboard.templating.list.map(\.name)
        #expect(Set(defined).count == defined.count)
        #expect(dashboard.templating.list.allSatisfy { $0.description.hasSuffix(".") })
        let used = Set(file.text.matches(of: #/\$(?:\{([a-zA-Z_.]+)|([a-zA-Z_]+))/#).compactMap { $0.1 ?? $0.2 })
            .filter { !$0.hasPrefix("__") }
        #expect(used == Set(defined.map { $0[...] }))
        // Grafana's own.
        let own = Set(file.text.matches(of: #/\$\{?(__[a-zA-Z_]+)/#).map { String($0.1) })
        #expect(own.isSubset(of: ["__all", "__rate_interval", "__url_time_range", "__field", "__data"]))
    }

    @Test(arguments: Dashboard.files) func linksLeadToDashboards(file: Dashboard.File) throws {
        let dashboards = try Dashboard.files.map { try $0.dashboard() }
        let dashboard = try file.dashboard()
        let others = dashboards.map(\.uid).filter { $0 != dashboard.uid }
        #expect(dashboard.links.map(\.url).sorted() == others.map { "/d/\($0)" })
        for link in dashboard.panels.flatMap({ $0.fieldConfig?.defaults.links ?? [] }) {
            let target = link.url.dropFirst("/d/".count).prefix { $0 != "?" }
            let variables = try #require(dashboards.first { $0.uid == target }).templating.list.map(\.name)
            for variable in link.url.matches(of: #/var-([a-z_]+)=/#) {
                #expect(variables.contains(String(variable.1)), "\(link.url)")
            }
        }
    }

    @Test func everyMetricThatIsNamedExists() throws {
        let known = Self.seriesNames.union(try RuleFile.recording().compactMap(\.record)).union(["up", "ALERTS"])
        var expressions = try Dashboard.files.flatMap {
            try $0.dashboard().panelQueries + $0.dashboard().annotationQueries
        }
        expressions += try (RuleFile.recording() + RuleFile.alerts()).map { ($0.alert ?? $0.record ?? "", $0.expr) }
        for file in Dashboard.files {
            expressions += try file.dashboard().templating.list.compactMap { variable in
                variable.definition.map { ("\(file.name), \(variable.name)", Variables.selector(of: $0)?.text ?? "") }
            }
        }
        #expect(expressions.count > 80)
        for (place, expression) in expressions where !expression.isEmpty {
            let names = Expression(expression).selectors.map(\.name)
            #expect(!names.isEmpty, "\(place)")
            for name in names { #expect(known.contains(name), "\(place): \(expression)") }
        }
    }

    /// Names of all series of the table, as queries name them.
    private static var seriesNames: Set<String> {
        Set(
            MetricTable.rows.map(\.description).flatMap { description in
                description.kind == .histogram
                    ? ["_bucket", "_count", "_sum"].map { description.seriesName + $0 } : [description.seriesName]
            })
    }

    @Test(arguments: [
        (
            "sum by (a) (rate(x_total{b=\"}\\\"(\", c=~\"$c\"}[5m])) / (y > 0)",
            ["x_total{b=\"}\\\"(\", c=~\"$c\"}", "y"]
        ),
        ("a:b offset 10m unless on (job) up{} == 1e3 or vector(0)", ["a:b", "up{}"]),
        ("histogram_quantile(0.99, sum without (v) (r)) * on (q) group_left (p) z", ["r", "z"]),
    ])
    func selectorsAreFound(expression: String, selectors: [String]) {
        #expect(Expression(expression).selectors.map(\.text) == selectors)
    }
}
