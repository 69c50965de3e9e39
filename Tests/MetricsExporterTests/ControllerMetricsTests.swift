import ControllerDriver
import DMAController
import DMADev
import DMATelemetry
import MetricsExporter
import MetricsTestSupport
import OpenMetricsText
import TelemetryServer
import TelemetryTestSupport
import TestSupport
import Testing

/// What is exported of a controller: sums, connections and domains, however many there are.
@Suite struct ControllerMetricsTests {
    /// A controller with that many connections, each with a domain.
    private struct Crowd: ReportingController {
        static let domain = DomainID.random()
        let count: Int
        let groupEvents = GroupEventLog()

        func report() -> ControllerReport {
            ControllerReport(
                controllerID: 0, figures: [.init("connections", UInt64(count)), .init("denied_joins", 3)],
                connections: (0..<count).map {
                    .init(
                        number: UInt64($0 + 1), processID: 4711, userID: 1000, domains: [], groups: [],
                        figures: [.init("operations", 5), .init("bytes", 320)])
                },
                members: (0..<count).map {
                    .init(
                        group: AccessGroupID($0), handler: 1, domain: Self.domain, processID: 4711,
                        figures: [.init("read_bytes", 64), .init("written_bytes", 128)])
                })
        }
    }

    private func exposition(_ count: Int) throws -> Exposition {
        try exposition(of: Crowd(count: count))
    }

    private func exposition(of controller: any ReportingController) throws -> Exposition {
        let directory = try TemporaryDirectory()
        let commands = DeviceCommands.table(for: DeviceRegistry(), controller: controller)
        let server = try TelemetryServer.start(filePrefix: "crowd", commands: commands, in: directory.runDirectory)
        defer { server.stop() }
        var configuration = MetricsCollector.Configuration()
        configuration.directories = [directory.runDirectory]
        configuration.timeout = .seconds(60)
        configuration.sysfs = directory.file("sys")
        return try Exposition(MetricsText.openMetrics.text(of: MetricsCollector(configuration).collect()))
    }

    @Test func sumsConnectionsAndDomainsAreThere() throws {
        let text = try exposition(2)
        #expect(text.value("dmadev_controller_connections") == 2)
        #expect(text.value("dmadev_controller_denied_joins_total") == 3)
        let peer = ["connection": "2", "peer_pid": "4711", "uid": "1000"]
        #expect(text.value("dmadev_controller_peer_operations_total", peer) == 5)
        #expect(text.value("dmadev_controller_peer_moved_bytes_total", peer) == 320)
        let domain = ["group": "1", "domain": Crowd.domain.description]
        #expect(text.value("dmadev_controller_domain_read_bytes_total", domain) == 64)
        #expect(text.value("dmadev_controller_domain_written_bytes_total", domain) == 128)
        #expect(text.value("dmadev_telemetry_request_errors_total") == 0)
    }

    @Test func aFullQuotaIsCountedAndSoIsTheConnectionThatItCosts() throws {
        let directory = try TemporaryDirectory()
        var configuration = ControllerConfiguration()
        configuration.quota.connections = 1
        let controller = try DMAController.start(path: directory.file("control"), configuration: configuration)
        defer { controller.stop() }
        let device = try ControllerDevice(path: controller.path)
        #expect(throws: DMAError.self) { _ = try ControllerDevice(path: controller.path) }
        let text = try exposition(of: controller)
        for (name, value) in [
            ("connections", 1), ("accepted_connections_total", 1), ("refused_connections_total", 1),
            ("quota_refusals_total", 1), ("refused_requests_total", 0), ("published_maps_total", 0),
            ("quiescent_points_total", 0), ("rebuilt_bytes_total", 0),
        ] {
            #expect(text.value("dmadev_controller_" + name) == Double(value), "\(name)")
        }
        withExtendedLifetime(device) {}
    }

    @Test func aCrowdIsNoFloodOfSeries() throws {
        let text = try exposition(300)
        #expect(text.value("dmadev_controller_connections") == 300)
        #expect(text["dmadev_controller_peer_operations_total"].count == 256)
        #expect(text["dmadev_controller_domain_read_bytes_total"].count == 256)
    }
}
