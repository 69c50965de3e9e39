import DMADev
import DMAEngine
import DMATelemetry
import Glibc
import MetricsExporter
import MetricsTestSupport
import OpenMetricsText
import SoftwareDriver
import TelemetryClient
import TelemetryServer
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

/// The metrics of the sources that a collector finds.
@Suite struct SourceTests {
    private let directory: TemporaryDirectory
    private let configuration: MetricsCollector.Configuration

    init() throws {
        directory = try TemporaryDirectory()
        var configuration = MetricsCollector.Configuration()
        configuration.directories = [directory.runDirectory]
        configuration.timeout = .seconds(60)
        configuration.sysfs = directory.file("sys")
        configuration.includesProcessMetrics = false
        self.configuration = configuration
    }

    private func exposition(_ collector: MetricsCollector) throws -> Exposition {
        try Exposition(MetricsText.openMetrics.text(of: collector.collect()))
    }

    private func server(_ prefix: String, _ registry: DeviceRegistry) throws -> TelemetryServer {
        try TelemetryServer.start(
            filePrefix: prefix, commands: DeviceCommands.table(for: registry), in: directory.runDirectory)
    }

    /// A software device with a channel that has copied 3 × 8 bytes and failed once, and one that is not set up.
    private func workedDevice(_ registry: DeviceRegistry) throws -> DMADevice {
        let device = try registry.add(SoftwareDevice(engine: Engine()), named: "dma0")
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 64))
        try device.start()
        let channel = try device.virtualChannel(0)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 16, alignment: 8)
        memory.initializeMemory(as: UInt8.self, repeating: 7, count: 16)
        defer { memory.deallocate() }
        let address = UInt64(UInt(bitPattern: memory))
        for source in [address, address, address, 8] {
            try channel.copy(from: source, to: address + 8, length: 8, flags: .submit)
        }
        let statuses = UnsafeMutableBufferPointer<CompletionStatus>.allocate(capacity: 4)
        statuses.initialize(repeating: .successful)
        defer { statuses.deallocate() }
        var seen = 0
        while seen < 4 { seen += Int(try channel.completedStatus(into: statuses).count) }
        return device
    }

    @Test func everythingOfAProcessIsThere() throws {
        let registry = DeviceRegistry()
        let device = try workedDevice(registry)
        defer {
            try? device.stop()
            try? device.close()
        }
        let server = try server("app", registry)
        defer { server.stop() }
        let text = try exposition(MetricsCollector(configuration))

        let process = [
            "run_directory": directory.runDirectory.applications, "prefix": "app", "prefix_instance": "0",
        ]
        let channel = process.merging(["device": "0", "name": "dma0", "vchan": "0"]) { $1 }
        #expect(text["dmadev_operations_completed_total"].map(\.labels) == [channel])
        for (name, value) in [
            ("dmadev_operations_submitted_total", 4), ("dmadev_operations_completed_total", 4),
            ("dmadev_operation_errors_total", 1), ("dmadev_moved_bytes_total", 24), ("dmadev_doorbells_total", 4),
            ("dmadev_rejected_enqueues_total", 0), ("dmadev_vchan_descriptors", 64),
            ("dmadev_operation_latency_seconds_count", 4), ("dmadev_vchan_ring_occupancy_ratio", 0),
        ] {
            #expect(text.value(name, channel) == Double(value), "\(name)")
        }
        #expect(text.value("dmadev_operations_total", ["kind": "copy"]) == 4)
        #expect(text.value("dmadev_operations_by_status_total", ["status": "successful"]) == 3)
        #expect(text.value("dmadev_operations_by_status_total", ["status": "invalid_src_addr"]) == 1)
        #expect(text.value("dmadev_vchan_state", ["state": "idle"]) == 1)
        #expect(text["dmadev_vchan_state"].map(\.value).reduce(0, +) == 1)
        #expect(text["dmadev_vchan_state"].map { $0.labels["state"] }.contains("stuck"))
        #expect(text.value("dmadev_vchan_oldest_operation_age_seconds", channel) == 0)
        #expect(try #require(text.value("dmadev_vchan_last_completion_age_seconds", channel)) > 0)
        #expect(text.value("dmadev_engine_operations_total", ["thread": "dma-engine"]) == 4)
        #expect(text.value("dmadev_engine_moved_bytes_total") == 24)
        #expect(try #require(text.value("dmadev_engine_busy_seconds_total")) > 0)
        #expect(text["dmadev_engine_sleeps_total"].count == 1)
        #expect(text.value("dmadev_vchan_ring_slots", ["use": "empty"]) == 64)
        #expect(try #require(text.value("dmadev_vchan_ring_high_water")) >= 1)
        #expect(try #require(text.value("dmadev_operation_latency_seconds_sum")) > 0)

        #expect(text.value("dmadev_devices", process) == 1)
        #expect(text.value("dmadev_device_info", ["driver": "software", "numa_node": "-1"]) == 1)
        #expect(text.value("dmadev_device_capability", ["capability": "fill", "device": "0"]) == 1)
        #expect(text["dmadev_device_capability"].count == Capabilities.table.count)
        #expect(text.value("dmadev_device_started") == 1 && text.value("dmadev_device_vchans") == 1)
        #expect(text.value("dmadev_vchan_info", ["direction": "mem2mem", "domain": "none"]) == 1)
        #expect(text.value("dmadev_telemetry_clients", process) == 1)
        #expect(try #require(text.value("dmadev_telemetry_requests_total", process)) >= 1)
        #expect(text.value("dmadev_failed_calls_total", process) == 0)

        #expect(text.value("dmascope_scrape_success", ["prefix": "app", "prefix_instance": "0"]) == 1)
        #expect(
            text.value(
                "dmascope_source_info",
                [
                    "program": "dmascope", "version": DmascopeVersion.number, "socket": server.path,
                    "source_uid": "\(geteuid())", "pid": "\(getpid())",
                ].merging(process) { $1 }) == 1)
        #expect(text.value("dmascope_sources", ["state": "answering"]) == 1)
        // No question of the collector was an error of the source.
        #expect(text.value("dmadev_telemetry_request_errors_total") == 0)
        #expect(text.types.values.filter { $0 == "counter" }.count > 10 && text.isEnded)
    }

    @Test func readersAcceptWhatIsExported() throws {
        let registry = DeviceRegistry()
        let device = try workedDevice(registry)
        defer {
            try? device.stop()
            try? device.close()
        }
        let servers = try (0..<3).map { _ in try server("app", registry) }
        defer { servers.forEach { $0.stop() } }
        var configuration = configuration
        configuration.includesProcessMetrics = true
        let families = try MetricsCollector(configuration).collect()
        #expect(try MetricsReaders.promtoolComplaints(MetricsText.prometheus.text(of: families)) == "")
        let samples = try MetricsReaders.openMetricsSamples(MetricsText.openMetrics.text(of: families))
        #expect(samples.contains { $0.hasPrefix("dmadev_operations_completed_total") && $0.hasSuffix(" 4") })
        #expect(samples.contains { $0.hasPrefix("process_resident_memory_bytes") })
        #expect(samples.contains { $0.contains("('prefix_instance', '2')") })
    }

    @Test func channelsThatAreNotSetUpAreNotAskedFor() throws {
        let registry = DeviceRegistry()
        let device = try registry.add(SoftwareDevice(engine: Engine()), named: "dma0")
        try device.configure(DeviceConfiguration(virtualChannelCount: 3))
        try device.setUpVirtualChannel(1, configuration: VirtualChannelConfiguration(descriptorCount: 64))
        let server = try server("app", registry)
        defer { server.stop() }
        let text = try exposition(MetricsCollector(configuration))
        #expect(text["dmadev_operations_completed_total"].map { $0.labels["vchan"] } == ["1"])
        #expect(text.value("dmadev_vchan_state", ["vchan": "0", "state": "not set up"]) == 1)
        #expect(text.value("dmadev_vchan_state", ["vchan": "1", "state": "stopped"]) == 1)
        #expect(text.value("dmadev_telemetry_request_errors_total") == 0)
    }

    @Test func sourcesComeAndGo() throws {
        let collector = MetricsCollector(configuration)
        let registry = DeviceRegistry()
        func prefixes() throws -> [String?] {
            let text = try exposition(collector)
            let named = text["dmascope_scrape_success"].map { $0.labels["prefix"] }
            #expect(text["dmadev_devices"].map { $0.labels["prefix"] } == named)
            return named
        }
        #expect(try prefixes().isEmpty)
        let first = try server("a", registry)
        let second = try server("b", registry)
        #expect(try prefixes() == ["a", "b"])
        first.stop()
        #expect(try prefixes() == ["b"])
        second.stop()
        #expect(try prefixes().isEmpty)
    }

    @Test func aDeadSocketIsCountedAndOneThatIsNamedFails() throws {
        directory.makeRunDirectory("dead")
        let path = directory.runDirectory.socketPath(filePrefix: "dead")
        // A file refuses connections as the socket of a killed process does.
        let file = try #require(fopen(path, "w"))
        fclose(file)
        var configuration = configuration
        configuration.sockets = [directory.file("named"), directory.file("no*match")]
        let collector = MetricsCollector(configuration)
        let text = try exposition(collector)
        #expect(text.value("dmascope_sources", ["state": "stale"]) == 1)
        #expect(text.value("dmascope_sources", ["state": "failing"]) == 1)
        #expect(
            text.value(
                "dmascope_scrape_success", ["run_directory": directory.path, "prefix": "named", "prefix_instance": ""])
                == 0)
        #expect(text.value("dmascope_scrape_failure_info", ["reason": "notFound"]) == 1)
        #expect(text.value("dmascope_scrape_failures_total", ["reason": "notFound"]) == 1)
        #expect(try exposition(collector).value("dmascope_scrape_failures_total", ["reason": "notFound"]) == 2)
    }

    @Test func socketsAreFoundByPatternsOnce() throws {
        let elsewhere = try TemporaryDirectory()
        let registry = DeviceRegistry()
        let servers = [
            try server("app", registry),
            try TelemetryServer.start(
                filePrefix: "app", commands: DeviceCommands.table(for: registry), in: elsewhere.runDirectory),
        ]
        defer { servers.forEach { $0.stop() } }
        var configuration = configuration
        configuration.sockets = [
            directory.file("dpdk/*/dpdk_telemetry.v2*"), elsewhere.file("dpdk/a[p]p/dpdk_telemetry.v?"),
            servers[1].path,
        ]
        let text = try exposition(MetricsCollector(configuration))
        #expect(text["dmascope_scrape_success"].map { $0.labels["prefix"] } == ["app", "app"])
        let places = [directory, elsewhere].map(\.runDirectory.applications)
        #expect(text["dmascope_scrape_success"].map { $0.labels["run_directory"] } == places)
        #expect(text["dmadev_devices"].count == 2)
        // When one ends, the other keeps its name.
        servers[0].stop()
        let left = try exposition(MetricsCollector(configuration))
        #expect(left["dmadev_devices"].map(\.labels) == [text["dmadev_devices"][1].labels])
    }

    /// A directory is often reached by several paths: symbolic links, bind mounts, `/proc/PID/root`.
    @Test func aSocketWithSeveralPathsIsOneSource() throws {
        let registry = DeviceRegistry()
        let server = try server("app", registry)
        defer { server.stop() }
        symlink(directory.runDirectory.applications, directory.file("link"))
        var configuration = configuration
        let below = "/proc/*/root\(directory.runDirectory.applications)/*/dpdk_telemetry.v2*"
        configuration.sockets = [below, directory.file("link/*/dpdk_telemetry.v2")]
        func found(_ configuration: MetricsCollector.Configuration) throws -> [[String: String]] {
            // The pattern also has a row of its own where the roots of some processes cannot be read.
            try exposition(MetricsCollector(configuration))["dmascope_scrape_success", ["prefix": "app"]].map(\.labels)
        }
        let name = ["prefix": "app", "prefix_instance": "0"]
        #expect(
            try found(configuration)
                == [name.merging(["run_directory": directory.runDirectory.applications]) { $1 }])
        // Paths below /proc change with processes: they are the last choice.
        configuration.directories = []
        #expect(try found(configuration) == [name.merging(["run_directory": directory.file("link")]) { $1 }])
        configuration.sockets = [below]
        let far = try found(configuration)
        #expect(far.count == 1 && far[0]["run_directory"]?.hasPrefix("/proc/") == true)
    }

    /// A stopped process still accepts connections, and then says nothing.
    @Test func aProcessThatHangsKeepsItsPidAndProgram() throws {
        let program = try RunningProgram(builtProduct("TelemetryTestServer"), [directory.path, "app"])
        let path = try program.nextLine()
        var configuration = configuration
        // Once it is waited for until then.
        configuration.timeout = .seconds(10)
        let collector = MetricsCollector(configuration)
        let known = [
            "prefix": "app", "pid": "\(program.processID)", "program": "dmascope", "version": DmascopeVersion.number,
            "socket": path,
        ]
        #expect(try exposition(collector).value("dmascope_source_info", known) == 1)
        program.kill(SIGSTOP)
        defer { program.kill(SIGKILL) }
        while SystemFile.text("/proc/\(program.processID)/stat")?.contains(") T ") != true { sched_yield() }
        configuration.timeout = .seconds(2)
        let other = MetricsCollector(configuration)
        let unknown = try exposition(other)
        #expect(unknown.value("dmascope_scrape_failure_info", ["prefix": "app", "reason": "timedOut"]) == 1)
        // Only the kernel has said something to that one.
        let pid = ["pid": "\(program.processID)", "program": "", "version": ""]
        #expect(unknown.value("dmascope_source_info", pid) == 1)
        let text = try exposition(collector)
        #expect(text.value("dmascope_scrape_success", ["prefix": "app"]) == 0)
        #expect(text.value("dmascope_source_info", known) == 1)
    }

    /// The process behind the socket of a guest's source is the host's; its own number is the guest's.
    @Test func aSourceOfAGuestHasItsNameAndItsOwnProcessNumber() throws {
        let guest = directory.runDirectory.domain("vm1")
        directory.makeRunDirectory("app", ofGuest: "vm1")
        let peer = try FakePeer(guest.socketPath(filePrefix: "app"), [.send(FakePeer.greeting), .waitForEnd])
        var configuration = configuration
        configuration.timeout = .milliseconds(200)
        let text = try exposition(MetricsCollector(configuration))
        #expect(
            text.value("dmascope_source_info", ["domain": "vm1", "prefix": "app", "pid": "4711", "socket": peer.path])
                == 1)
        #expect(text.value("dmascope_scrape_success", ["prefix": "app"]) == 0)
    }

    /// What cannot be looked at is a source that fails, not one that is not there.
    @Test(.enabled(if: geteuid() == 0, "\(OtherUsersServer.needsSuperuser)"))
    func whatMayNotBeReadIsNamedWithItsOwner() throws {
        let registry = DeviceRegistry()
        let servers = [try server("closed", registry), try server("open", registry)]
        defer { servers.forEach { $0.stop() } }
        chmod(directory.path, 0o711)
        chmod(directory.runDirectory.applications, 0o755)
        chmod(directory.runDirectory.directory(filePrefix: "open"), 0o755)
        let hidden = try TemporaryDirectory()
        mkdir(hidden.file("dpdk"), 0o700)
        chmod(hidden.path, 0o711)
        var configuration = configuration
        configuration.directories.append(hidden.runDirectory)
        configuration.sockets = [hidden.file("dpdk/*/dpdk_telemetry.v2*")]
        let collector = MetricsCollector(configuration)
        let text = try withFileRights(of: OtherUsersServer.user) { try exposition(collector) }
        let places = ["closed", "open", ""]
        #expect(text["dmascope_scrape_success"].map { $0.labels["prefix"] } == ["open", "closed", ""])
        #expect(text["dmascope_scrape_success"].allSatisfy { $0.value == 0 })
        for (prefix, reason) in zip(places, ["permissionDenied", "permissionDenied", "unreadable"]) {
            let labels = ["prefix": prefix, "reason": reason]
            #expect(text.value("dmascope_scrape_failure_info", labels) == 1, "\(prefix)")
            #expect(
                text.value("dmascope_source_info", ["prefix": prefix, "source_uid": "0", "pid": ""]) == 1, "\(prefix)")
        }
        #expect(text.value("dmascope_sources", ["state": "not_permitted"]) == 2)
        #expect(text.value("dmascope_sources", ["state": "unreadable"]) == 1)
        #expect(text.value("dmascope_sources", ["state": "failing"]) == 0)
        // The superuser may.
        #expect(try exposition(collector)["dmascope_scrape_success"].map(\.value) == [1, 1])
    }
}
