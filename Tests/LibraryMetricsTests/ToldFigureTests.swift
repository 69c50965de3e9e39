import ControllerDriver
import CoreMetrics
import DMAController
import DMADev
import LibraryMetrics
import OpenMetricsText
import SystemPackage
import TelemetryClient
import TelemetryServer
import TelemetryWire
import TestSupport
import Testing

@testable import MetricsExporter

/// What libraries tell, where somebody keeps it.
@Suite struct ToldFigureTests {
    private let figures = LibraryFigures()
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func value(_ metric: LibraryMetric, _ labels: LabelSet = [:]) -> Double? {
        guard case .number(let number)? = figures.samples(of: metric).first(where: { $0.labels == labels })?.value
        else { return nil }
        return number.double
    }

    @Test func aTelemetryServerTellsOfItsRequestsAndClients() throws {
        let root = TelemetryRunDirectory(root: directory.path)
        let server = try withMetricsFactory(figures) {
            try TelemetryServer.start(filePrefix: "told", commands: [], in: root)
        }
        do {
            let client = try TelemetryClient(path: server.path)
            _ = try client.request("/")
            _ = try? client.request("/nothing")
            try eventually("it has told") { value(.telemetryRequests) == 2 && value(.telemetryRequestErrors) == 1 }
            #expect(value(.telemetryClients) == 1)
        }
        try eventually("the client has gone") { value(.telemetryClients) == 0 }
        server.stop()
        #expect(value(.telemetryClientsRefused) == 0)
    }

    @Test func serversOfOneProcessAddUpAndTakeBackWhatTheyHad() throws {
        let root = TelemetryRunDirectory(root: directory.path)
        let servers = try withMetricsFactory(figures) {
            try (0..<2).map { _ in try TelemetryServer.start(filePrefix: "told", commands: [], in: root) }
        }
        let clients = try servers.map { try TelemetryClient(path: $0.path) }
        for client in clients { _ = try client.request("/") }
        try eventually("both have told") { value(.telemetryClients) == 2 && value(.telemetryRequests) == 2 }
        // With clients that are still connected.
        servers[0].stop()
        #expect(value(.telemetryClients) == 1)
        servers[1].stop()
        #expect(value(.telemetryClients) == 0 && value(.telemetryRequests) == 2)
    }

    @Test func aControllerTellsOfConnectionsGroupsAndRefusals() throws {
        var configuration = ControllerConfiguration()
        configuration.quota.connections = 2
        let controller = try withMetricsFactory(figures) { [configuration] in
            try DMAController.start(path: directory.file("control"), configuration: configuration)
        }
        defer { controller.stop() }
        let registry = DeviceRegistry()
        let devices = try ["one", "two"].map { name in
            try registry.add(ControllerDevice(path: controller.path), named: name)
        }
        #expect(throws: DMAError.self) { _ = try ControllerDevice(path: controller.path) }
        let group = try devices[0].createAccessGroup(domain: .random(), token: token(7), limit: 4)
        #expect(throws: DMAError.self) {
            _ = try devices[1].joinAccessGroup(group, domain: .random(), token: token(8))
        }
        _ = try devices[1].joinAccessGroup(group, domain: .random(), token: token(7))
        try eventually("it has told") { value(.controllerJoins) == 1 }
        #expect(value(.controllerConnections) == 2 && value(.controllerConnectionsAccepted) == 2)
        #expect(value(.controllerConnectionsRefused) == 1 && value(.controllerQuotaRefusals) == 1)
        #expect(value(.controllerGroups) == 1 && value(.controllerJoinsRefused) == 1)
        #expect(value(.controllerRequestsRefused) == 1 && value(.controllerMessagesRefused) == 0)
    }

    @Test func aCollectorTellsOfItsSweepsAndOfSourcesThatFail() throws {
        var configuration = MetricsCollector.Configuration()
        configuration.directories = []
        configuration.sockets = [directory.file("nobody")]
        configuration.figures = figures
        let collector = withMetricsFactory(figures) { [configuration] in MetricsCollector(configuration) }
        _ = try collector.collect()
        let families = try collector.collect()
        let sweeps = try #require(families.first { $0.description.name == "dmascope_exporter_sweep_duration_seconds" })
        guard case .histogram(let histogram)? = sweeps.samples.first?.value else {
            throw TestSupportError("no histogram: \(sweeps)")
        }
        #expect(histogram.count == 2)
        #expect(value(.exporterSourcesFailed, ["reason": "notFound"]) == 2)
    }

    private func token(_ byte: UInt8) throws -> AccessToken {
        try #require([UInt8](repeating: byte, count: 16).withUnsafeBytes { AccessToken(bytes: $0) })
    }

    private func eventually(_ what: String, _ condition: () -> Bool) throws {
        let end = ContinuousClock.now + .seconds(60)
        while !condition() {
            guard ContinuousClock.now < end else { throw TestSupportError("never: \(what)") }
        }
    }
}
