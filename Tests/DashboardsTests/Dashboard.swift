import Foundation
import TestSupport
import Testing

/// A dashboard of Grafana, as far as the tests look at it.
struct Dashboard: Decodable {
    let uid: String
    let title: String
    let description: String
    let schemaVersion: Int
    let panels: [Panel]
    let templating: Templating
    let annotations: Annotations
    let links: [Link]

    struct Templating: Decodable { let list: [Variable] }

    struct Annotations: Decodable { let list: [Annotation] }

    struct Annotation: Decodable {
        let name: String
        let expr: String?
    }

    struct Link: Decodable {
        let title: String
        let url: String
    }

    /// What a reader chooses.
    struct Variable: Decodable {
        let name: String
        let description: String
        let type: String
        let definition: String?
    }

    struct Panel: Decodable {
        let id: Int
        let type: String
        let title: String
        let description: String?
        let gridPos: Place
        let fieldConfig: Fields?
        let targets: [Target]?
    }

    /// Where a panel lies; 24 columns.
    struct Place: Decodable {
        let x: Int
        let y: Int
        let w: Int
        let h: Int

        func overlaps(_ other: Place) -> Bool {
            x < other.x + other.w && other.x < x + w && y < other.y + other.h && other.y < y + h
        }
    }

    struct Fields: Decodable {
        let defaults: Defaults

        struct Defaults: Decodable {
            let unit: String?
            let links: [Link]?
        }
    }

    struct Target: Decodable {
        let refId: String
        let expr: String
        let legendFormat: String
        let datasource: Source
    }

    struct Source: Decodable { let uid: String }

    /// A file with a dashboard.
    struct File: CustomTestStringConvertible {
        let name: String
        let text: String

        var testDescription: String { name }

        func dashboard() throws -> Dashboard { try JSONDecoder().decode(Dashboard.self, from: Data(text.utf8)) }
    }

    /// Every file of the folder.
    static let files: [File] = {
        let folder = "grafana/dashboards"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: DashboardFolder.path(folder))) ?? []
        return names.sorted().map { File(name: $0, text: (try? DashboardFolder.text("\(folder)/\($0)")) ?? "") }
    }()

    /// What panels ask of Prometheus, and which panel.
    var panelQueries: [(place: String, expression: String)] {
        panels.flatMap { panel in
            (panel.targets ?? []).map { (place: "\(uid), \(panel.title), \($0.refId)", expression: $0.expr) }
        }
    }

    /// What annotations ask.
    var annotationQueries: [(place: String, expression: String)] {
        annotations.list.compactMap { annotation in
            annotation.expr.map { (place: "\(uid), \(annotation.name)", expression: $0) }
        }
    }
}

/// The folder `dashboards` of the package.
enum DashboardFolder {
    static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func path(_ name: String) -> String { package.appendingPathComponent("dashboards/\(name)").path }

    static func text(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }

    /// A file of YAML.
    static func yaml<Contents: Decodable>(_ name: String, as type: Contents.Type) throws -> Contents {
        let script = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin.buffer.read()), sys.stdout)"
        let json = try outputOfProgram("/usr/bin/python3", ["-c", script], input: text(name))
        return try JSONDecoder().decode(type, from: Data(json.utf8))
    }
}
