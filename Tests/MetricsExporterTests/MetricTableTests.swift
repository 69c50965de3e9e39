import DMAController
import DMADev
import DMAEngine
import DMATelemetry
import Foundation
import OpenMetricsText
import SoftwareDriver
import TelemetryClient
import TelemetryServer
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

@testable import MetricsExporter

/// The table of metrics, and the page that shows it.
@Suite struct MetricTableTests {
    @Test func everyRowCanBeWritten() {
        for row in MetricTable.rows {
            #expect(row.description.problem == nil, "\(row.description.name)")
            #expect(row.description.help.hasSuffix("."), "\(row.description.name)")
            #expect(Set(row.allLabels).count == row.allLabels.count, "\(row.description.name)")
            // Prometheus's own, for what it scrapes.
            #expect(!row.allLabels.contains { ["instance", "job", "le"].contains($0) }, "\(row.description.name)")
        }
        #expect(Set(MetricTable.rows.map(\.description.name)).count == MetricTable.rows.count)
    }

    @Test func thePageShowsTheTable() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent(
                "Sources/MetricsExporter/MetricsExporter.docc/Metrics.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let table = text.split(separator: "\n").filter { $0.hasPrefix("|") }.joined(separator: "\n") + "\n"
        // What the page has to hold is what `dmascope metrics --describe` prints.
        #expect(table == MetricTable.markdown)
    }

    /// A figure of a reply that changes changes one metric.
    @Test func noFigureOfASourceIsExportedTwice() throws {
        // Computed of two others.
        let derived: Set = ["dmadev_vchan_ring_occupancy_ratio"]
        let directory = try TemporaryDirectory()
        let registry = DeviceRegistry()
        let device = try registry.add(SoftwareDevice(engine: Engine()), named: "dma0")
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 64))
        defer { try? device.close() }
        let controller = try DMAController.start(path: directory.file("control"))
        defer { controller.stop() }
        let server = try TelemetryServer.start(
            filePrefix: "t", commands: DeviceCommands.table(for: registry, controller: controller),
            in: directory.runDirectory)
        defer { server.stop() }
        let client = try TelemetryClient(path: server.path)

        var rows: [SourceCommand: [MetricRow]] = [:]
        for row in MetricTable.rows where !derived.contains(row.description.name) {
            guard case .telemetry(let commands, _) = row.origin else { continue }
            for command in commands { rows[command, default: []].append(row) }
        }
        var seen: Set<String> = []
        for (command, rows) in rows {
            let parameters =
                switch command.scope {
                case .process: command.parameters.map { ",\($0)" }.joined()
                case .device, .group: ",0"
                case .vchan: ",0,0"
                }
            let reply = try client.request(command.path + parameters).tree
            for (place, changed) in Self.changes(of: reply) {
                let names = rows.filter { Self.values(of: $0, reply) != Self.values(of: $0, changed) }
                    .map(\.description.name)
                #expect(names.count <= 1, "\(place) of \(command.path)")
                seen.formUnion(names)
            }
        }
        // A reply from which nothing is taken would prove nothing.
        #expect(seen.count > 40, "\(seen.sorted())")
    }

    private static func values(of row: MetricRow, _ reply: JSONTree) -> [MetricValue] {
        guard case .telemetry(_, let take) = row.origin else { return [] }
        return take(reply).map(\.value)
    }

    /// The tree with another value at one place, for each place that holds a number.
    private static func changes(of tree: JSONTree) -> [(place: String, tree: JSONTree)] {
        switch tree {
        case .integer(let value): return [("", .integer(value + 1))]
        case .unsigned(let value): return [("", .unsigned(value - 1))]
        case .double(let value): return [("", .double(value + 1))]
        case .array(let elements):
            return elements.enumerated().flatMap { index, element in
                changes(of: element).map { place, changed in
                    var elements = elements
                    elements[index] = changed
                    return ("\(index) \(place)", .array(elements))
                }
            }
        case .object(let members):
            return members.enumerated().flatMap { index, member in
                changes(of: member.value).map { place, changed in
                    var members = members
                    members[index] = JSONTree.Member(member.name, changed)
                    return ("\(member.name) \(place)", .object(members))
                }
            }
        default: return []
        }
    }
}
