import Foundation
import MetricsTestSupport
import TestSupport
import Testing

/// The rules, and the configuration that names them.
@Suite struct RuleTests {
    private func promtool(_ arguments: String...) throws -> String {
        let result = try runProgram(MetricsReaders.prometheus("promtool"), arguments)
        #expect(result.exit == .exited(0), "\(result)")
        return result.output
    }

    @Test func prometheusTakesTheConfigurationAndTheRules() throws {
        let rules = try RuleFile.recording().count + RuleFile.alerts().count
        let output = try promtool("check", "config", DashboardFolder.path("prometheus/prometheus.yml"))
        let found = output.matches(of: #/SUCCESS: ([0-9]+) rules found/#).compactMap { Int($0.1) }.reduce(0, +)
        #expect(found == rules)
    }

    @Test func alertsFireWhereTheyShouldAndNowhereElse() throws {
        #expect(try promtool("test", "rules", DashboardFolder.path("prometheus/alerts.test.yml")).contains("SUCCESS"))
    }

    @Test func everyAlertIsTestedBothWays() throws {
        let tests = try DashboardFolder.yaml("prometheus/alerts.test.yml", as: RuleTestFile.self).tests
        let expectations = tests.flatMap(\.expectations)
        let alerts = Set(try RuleFile.alerts().compactMap(\.alert))
        #expect(Set(expectations.filter { !$0.firing.isEmpty }.map(\.alert)) == alerts)
        #expect(Set(expectations.filter { $0.firing.isEmpty }.map(\.alert)) == alerts)
        // What people read has no hole where a label should be.
        for alert in expectations.flatMap(\.firing) {
            for text in alert.annotations.values { #expect(text.wholeMatch(of: #/(?:\S+ )*\S+/#) != nil, "\(text)") }
        }
    }

    @Test func everyAlertSaysWhatToDo() throws {
        let alerts = try RuleFile.alerts()
        #expect(Set(alerts.compactMap(\.alert)).count == alerts.count)
        for alert in alerts {
            let name = try #require(alert.alert)
            #expect(name.hasPrefix("Dmadev") || name.hasPrefix("Dmascope"))
            #expect(alert.duration != nil, "\(name)")
            #expect(["critical", "warning", "info"].contains(alert.labels?["severity"] ?? ""), "\(name)")
            #expect(Set(alert.annotations?.keys.map { $0 } ?? []) == ["summary", "description"], "\(name)")
            #expect(alert.annotations?["description"]?.hasSuffix(".") == true, "\(name)")
        }
    }

    @Test func thePageShowsEveryAlert() throws {
        let page = try DashboardFolder.text("README.md").split(separator: "\n")
        let rows = page.compactMap { $0.firstMatch(of: #/^\| `(Dma[A-Za-z]+)` \| ([a-z]+) \|/#) }
        let alerts = try RuleFile.alerts()
        #expect(rows.map { String($0.1) } == alerts.compactMap(\.alert))
        #expect(rows.map { String($0.2) } == alerts.compactMap { $0.labels?["severity"] })
    }

    private struct Sources: Decodable {
        let apiVersion: Int
        let datasources: [Source]

        struct Source: Decodable {
            let uid: String
            let type: String
            let url: String
        }
    }

    private struct Providers: Decodable {
        let apiVersion: Int
        let providers: [Provider]

        struct Provider: Decodable {
            let type: String
            let options: [String: OptionValue]
        }

        enum OptionValue: Decodable {
            case text(String)
            case flag(Bool)

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                self = try (try? container.decode(Bool.self)).map { .flag($0) } ?? .text(container.decode(String.self))
            }
        }
    }

    @Test func grafanaIsToldWhereThingsAre() throws {
        let sources = try DashboardFolder.yaml(
            "grafana/provisioning/datasources/dmascope.yaml", as: Sources.self)
        #expect(sources.apiVersion == 1)
        #expect(sources.datasources.map(\.type) == ["prometheus"])
        #expect(sources.datasources.allSatisfy { $0.url.hasPrefix("http://") && !$0.uid.isEmpty })
        let providers = try DashboardFolder.yaml(
            "grafana/provisioning/dashboards/dmascope.yaml", as: Providers.self)
        #expect(providers.apiVersion == 1 && providers.providers.map(\.type) == ["file"])
        guard case .text(let path)? = providers.providers[0].options["path"] else {
            Issue.record("the provider has no path")
            return
        }
        // The page says to copy them there.
        #expect(try DashboardFolder.text("README.md").contains(path))
    }
}
