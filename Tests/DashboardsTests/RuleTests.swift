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

    /// Of `dmascope monitor`, whose series have one label more.
    @Test func alertsKeepTheOwnerOfASource() throws {
        let directory = try TemporaryDirectory()
        for file in ["recording.yml", "alerts.yml"] {
            try DashboardFolder.text("prometheus/\(file)").write(
                toFile: directory.file(file), atomically: false, encoding: .utf8)
        }
        let test = try DashboardFolder.text("prometheus/alerts.test.yml")
            .replacing(#/(- series: '\w+\{)([^\n]*run_directory=)/#) { #"\#($0.1)owner="alice", \#($0.2)"# }
            .replacing(#/\n( +)run_directory: /#) { "\n\($0.1)owner: 'alice'\($0.0)" }
        #expect(test.contains("owner: 'alice'"))
        try test.write(toFile: directory.file("alerts.test.yml"), atomically: false, encoding: .utf8)
        #expect(try promtool("test", "rules", directory.file("alerts.test.yml")).contains("SUCCESS"))
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
            #expect(
                Set(alert.annotations?.keys.map { $0 } ?? []) == ["summary", "description", "runbook_url"], "\(name)")
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

    private func alertPage() throws -> String {
        try String(
            contentsOf: DashboardFolder.package.appendingPathComponent("Sources/dmascope/dmascope.docc/Alerts.md"),
            encoding: .utf8)
    }

    @Test func everyAlertHasARunbook() throws {
        let alerts = try RuleFile.alerts()
        let sections = try alertPage().split(separator: "\n").filter { $0.hasPrefix("## ") }.map { $0.dropFirst(3) }
        #expect(sections.map(String.init) == alerts.compactMap(\.alert))
        for alert in alerts {
            let name = try #require(alert.alert)
            #expect(
                alert.annotations?["runbook_url"]
                    == "file:///usr/share/doc/dmascope/Alerts.md#\(name.lowercased())")
        }
        for section in try alertPage().components(separatedBy: "\n## ").dropFirst() {
            #expect(section.contains("\n\nLook at: ") && section.contains("\n\nDo: "), "\(section)")
        }
    }

    /// Pasted into a shell, they reach the command as they are meant: what they name does not exist here.
    @Test func commandsOfAnnotationsAndRunbooksAreValid() throws {
        let tests = try DashboardFolder.yaml("prometheus/alerts.test.yml", as: RuleTestFile.self).tests
        let annotations = tests.flatMap(\.expectations).flatMap(\.firing).compactMap { $0.annotations["description"] }
        let texts = annotations + [try alertPage().replacing("\n", with: " ")]
        let commands = texts.flatMap { $0.matches(of: #/`(dmascope [^`]+)`/#).map { String($0.1) } }
        #expect(commands.count > 30)
        let directory = try TemporaryDirectory()
        let program = try builtProduct("dmascope")
        let folder = URL(fileURLWithPath: program).deletingLastPathComponent().path
        for command in Set(commands) {
            let words = command.split(separator: " ")
            if words[1] == "serve" {
                #expect(words.count == 2, "\(command)")
                continue
            }
            let result = try runProgram(
                "/bin/sh", ["-c", "cd '\(directory.path)' && PATH='\(folder)' && \(command)"],
                environment: ["RUNTIME_DIRECTORY": directory.path])
            // 64 is a wrong command line; check says it in its line.
            guard case .exited(let status) = result.exit else {
                Issue.record("\(command): \(result)")
                continue
            }
            #expect(![64, 126, 127].contains(status), "\(command): \(result)")
            #expect(!result.output.contains("--help") && !result.errors.contains("--help"), "\(command): \(result)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
    }

    private struct Alertmanager: Decodable {
        let inhibit_rules: [Inhibition]

        struct Inhibition: Decodable {
            let source_matchers: [String]
            let target_matchers: [String]
            let equal: [String]
        }
    }

    /// That the alerts of the rules exist, and have the labels.
    @Test func inhibitionsAreAboutTheAlerts() throws {
        let rules = try DashboardFolder.yaml("prometheus/alertmanager.yml", as: Alertmanager.self).inhibit_rules
        let tests = try DashboardFolder.yaml("prometheus/alerts.test.yml", as: RuleTestFile.self).tests
        let firing = tests.flatMap(\.expectations).filter { !$0.firing.isEmpty }
        func labels(_ matcher: String) throws -> [(alert: String, labels: Set<String>)] {
            let match = try #require(matcher.wholeMatch(of: #/alertname=(~?)"(.+)"/#), "\(matcher)")
            let pattern = try Regex(String(match.2))
            let found = firing.filter { $0.alert.wholeMatch(of: pattern) != nil }
            #expect(!found.isEmpty, "\(matcher)")
            return found.flatMap { test in test.firing.map { (test.alert, Set($0.labels.keys)) } }
        }
        #expect(rules.count >= 3)
        for rule in rules {
            let matchers = rule.source_matchers + rule.target_matchers.filter { !$0.contains("!=") }
            for (alert, labels) in try matchers.flatMap(labels) {
                #expect(labels.union(["prefix_instance"]).isSuperset(of: rule.equal), "\(alert): \(rule.equal)")
            }
        }
        #expect(
            rules.contains {
                $0.source_matchers.joined().contains("DmadevHalted")
                    && $0.target_matchers.joined().contains("DmadevStalled")
            })
    }

    /// One word for the job, which the page says how to change.
    @Test func theJobHasOneName() throws {
        let rules = try RuleFile.recording() + RuleFile.alerts()
        for rule in rules {
            for selector in Expression(rule.expr).selectors where !selector.name.contains(":") {
                #expect(selector.text.contains(#"job="dmascope""#), "\(selector.text)")
            }
        }
        let pages = try FileManager.default.subpathsOfDirectory(atPath: DashboardFolder.package.path + "/Sources")
            .filter { $0.hasSuffix(".md") }.map { DashboardFolder.package.path + "/Sources/" + $0 }
        var jobs: [String] = []
        for path in pages + [DashboardFolder.path("README.md"), DashboardFolder.path("prometheus/prometheus.yml")] {
            let text = try String(contentsOfFile: path, encoding: .utf8)
            jobs += text.matches(of: #/job_name: *(\w+)/#).map { String($0.1) }
        }
        #expect(jobs.count >= 2 && Set(jobs) == ["dmascope"])

        // As the page says.
        let page = try DashboardFolder.text("README.md")
        let line = try #require(page.split(separator: "\n").first { $0.hasPrefix("sed -i ") })
        let directory = try TemporaryDirectory()
        for name in ["recording.yml", "alerts.yml"] {
            try FileManager.default.copyItem(
                atPath: DashboardFolder.path("prometheus/\(name)"), toPath: directory.file(name))
        }
        try outputOfProgram("/bin/sh", ["-c", "cd '\(directory.path)' && \(line)"])
        for name in ["recording.yml", "alerts.yml"] {
            let text = try String(contentsOfFile: directory.file(name), encoding: .utf8)
            #expect(text.contains(#"job="dma""#) && !text.contains(#"job="dmascope""#) && !text.contains("file://"))
            #expect(try promtool("check", "rules", directory.file(name)).contains("SUCCESS"))
        }
        #expect(
            try String(contentsOfFile: directory.file("alerts.yml"), encoding: .utf8)
                .contains(#"runbook_url: "https://wiki.example.org/Alerts.md#dmadevhalted""#))
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
