import CDMATrace
import ControllerDriver
import DMAController
import DMADev
import DMAEngine
import DMATelemetry
import DeviceDrivers
import FaultDriver
import LivePage
import Logging
import MetricsExporter
import WebServer
import OpenMetricsText
import ServiceLifecycle
import SoftwareDriver
import TelemetryClient
import TelemetryServer
import TelemetryWire
import UnixSignals

// The examples of the modules' own pages.

/// DeviceDrivers.md
func specifications() throws {
    let specifications = [try DeviceSpecification("software,engine=e0"), try DeviceSpecification("software,engine=e0")]
    let devices = try DeviceFactory.make(specifications, in: .shared)

    for device in devices { try device.close() }
}

/// DMAController.md and ControllerDriver.md
func controller() throws {
    let path = TelemetryRunDirectory.standard.root + "/control"
    let registry = DeviceRegistry()
    let controller = try DMAController.start(path: path)
    defer { controller.stop() }

    let driver = try ControllerDevice(path: path)
    let device = try registry.add(driver, named: "remote")
    let buffer = try driver.memory.allocate(byteCount: 8192)
    let iova = try device.mapMemory(buffer.bytes)
    try check(iova >= 1 << 57, "beyond all addresses of processes")

    try device.close()
}

/// FaultDriver.md
func failures() throws {
    let registry = DeviceRegistry()
    let plan = try FaultPlan(parsing: "fail=10:invalid_src_addr,every=100:bus_error,delay=5ms,halt=5000")
    let device = try registry.add(FaultDevice.make(SoftwareDevice(engine: Engine()), plan: plan), named: "dma0")

    try device.close()
}

/// DMATrace.md
func tracing() throws {
    let (id, name, driver): (Int16, String, String) = (0, "example", "none")
    if dmatrace_dmadev_device_added_enabled() {
        dmatrace_emit_dmadev_device_added(id, name, driver, 0)
    }
}

/// TelemetryServer.md and TelemetryClient.md
func client() throws {
    let device = try startedDevice()
    defer { try? device.stop() }
    let registry = DeviceRegistry.shared
    let table = DeviceCommands.table(for: registry)

    let server = try TelemetryServer.start(filePrefix: "mine", commands: table)
    defer { server.stop() }

    let client = try TelemetryClient(filePrefix: "mine")
    let devices = try client.request("/dmadev/list").tree
    print("\(client.greeting.version) has \(devices.elements.count) devices")
}

/// TelemetryWire.md
func wire() throws {
    let queueDepth = TelemetryCommand(
        path: "/mine/queue", help: "Returns the depth of a queue. Parameters: int queue",
        parameters: [TelemetryParameter("queue", "0 to 3")]
    ) { request throws(TelemetryCommandError) in
        var numbers = request.numbers
        let queue: Int = try numbers.next("queue", in: 0...3)
        var reply = JSONValue.object()
        reply.set("queue", queue)
        reply.set("depth", 17)
        return reply
    }

    let reply = try queueDepth.handler(TelemetryRequest("/mine/queue,2")).tree
    try check(reply["queue"]?.integer == 2, "it answers")
}

/// OpenMetricsText.md
func metricsText() throws {
    let moved = MetricDescription("moved_bytes", .counter, unit: "bytes", help: "Bytes moved.")
    let family = MetricFamily(moved, samples: [MetricSample(["device": "0"], .number(.unsigned(4096)))])
    let text = try MetricsText.openMetrics.text(of: [family])

    try check(text.contains("moved_bytes_total{device=\"0\"} 4096"), "it is written")
}

/// MetricsExporter.md
func collecting() throws {
    let collector = MetricsCollector()
    let text = try MetricsText.openMetrics.text(of: collector.collect())

    try check(text.contains("dmascope_build_info"), "it tells of itself")
}

/// LivePage.md
func lookingAtOnce() throws {
    let collector = SnapshotCollector()
    let snapshot = try collector.snapshot()

    try check(snapshot["program"]?.string == DmascopeVersion.text, "it says who made it")
}

/// WebServer.md
func servingMetrics() async throws {
    let logger = Logger(label: "example")

    let routes = [HTTPRoute.metrics(of: MetricsCollector())]
    let service = HTTPService(.tcp(host: "127.0.0.1", port: 0), routes: routes, logger: logger) { location in
        print("serving on \(location)")
    }
    let group = ServiceGroup(services: [service], gracefulShutdownSignals: [.sigterm], logger: logger)

    await group.triggerGracefulShutdown()
    try await group.run()
}
