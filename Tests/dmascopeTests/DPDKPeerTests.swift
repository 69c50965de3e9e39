import Foundation
import MetricsTestSupport
import TelemetryWire
import TestSupport
import Testing

/// Against an unmodified DPDK application, and with DPDK's unmodified client.
@Suite struct DPDKPeerTests {
    let scope: Scope

    init() throws {
        scope = try Scope()
    }

    private static func script(_ name: String) throws -> String {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        guard FileManager.default.fileExists(atPath: package.appendingPathComponent(".cache/dpdk/versions").path) else {
            throw TestSupportError("DPDK is not there: run scripts/fetch-packages dpdk")
        }
        return package.appendingPathComponent("scripts/\(name)").path
    }

    /// An application with a skeleton DMA device, which takes commands on its standard input.
    private func startApplication() throws -> RunningProgram {
        let application = try RunningProgram(
            Self.script("dpdk-test"),
            ["--no-huge", "-m", "512", "--no-pci", "--file-prefix=peer", "-l", "0,1", "--vdev=dma_skeleton"],
            environment: scope.environment)
        try application.waitForOutput(containing: "RTE>>")
        return application
    }

    /// Asks with DPDK's client; one reply for each request.
    private func ask(_ requests: String..., prefix: String) throws -> [JSONTree] {
        let output = try outputOfProgram(
            Self.script("dpdk-telemetry"), ["--file-prefix", prefix], environment: scope.environment,
            input: requests.map { $0 + "\n" }.joined())
        // Without a terminal it prints the greeting, then each reply, as one line of JSON.
        let replies = try output.split(separator: "\n").filter { $0.hasPrefix("{") }.map {
            try JSONValue(parsing: String($0)).tree
        }
        #expect(replies.count == requests.count + 1 || replies.count == requests.count, "\(output)")
        return Array(replies.suffix(requests.count))
    }

    @Test func aFreshApplicationIsShown() throws {
        let application = try startApplication()
        defer { application.closeInput() }
        let target = ["--file-prefix", "peer"]
        let list = try scope.json("list", "--file-prefix", "peer").elements
        #expect(list.map { $0["name"] } == [.string("dma_skeleton")])
        #expect(
            rows(try scope.run(["list"] + target).output)[0].joined(separator: " ")
                == "0 dma_skeleton - stopped 0/1 mem2mem sva copy")
        #expect(try scope.run(["info", "dma_skeleton"] + target).output.contains("capabilities  mem2mem sva copy"))
        #expect(try scope.run("query", "peer", "/dmadev/list").output == "{\"/dmadev/list\":[0]}\n")

        // It has no channel yet, and knows nothing of tracing.
        #expect(try scope.json("stats", "--file-prefix", "peer").elements.isEmpty)
        expect(try scope.run(["stats", "0"] + target), exits: 4, saying: "it is not configured")
        expect(try scope.run(["stats", "0:0"] + target), exits: 4, saying: "answers /dmadev/stats,0,0 with null")
        expect(
            try scope.run(["trace", "list"] + target), exits: 4, saying: "the target does not report trace events")
        expect(
            try scope.run("query", "peer", "/dmadev/xstats,0"), exits: 4,
            saying: "there is no command /dmadev/xstats (did you mean /dmadev/stats?)")
        expect(try scope.run(["vchans"] + target), exits: 4, saying: "answers /dmadev/vchans,0 with null")
        expect(try scope.run(["errors"] + target), exits: 4, saying: "the target does not report failed calls")
    }

    @Test func anApplicationThatHasCopiedTellsItsStatistics() throws {
        let application = try startApplication()
        defer { application.closeInput() }
        application.write("dmadev_autotest\n")
        try application.waitForOutput(containing: "Test OK")
        let statistics = try scope.json("stats", "--file-prefix", "peer").elements
        #expect(statistics.count == 1)
        #expect(statistics[0].keys == ["id", "name", "vchan", "submitted", "completed", "errors"])
        #expect(try scope.run("stats", "dma_skeleton:0", "--file-prefix", "peer").exit == .exited(0))
        let vchans = try scope.json("vchans", "--file-prefix", "peer").elements
        #expect(vchans.map { $0["state"] } == [.string("stopped")])
    }

    @Test func itsStatisticsAreWatched() throws {
        let application = try startApplication()
        defer { application.closeInput() }
        application.write("dmadev_autotest\n")
        try application.waitForOutput(containing: "Test OK")
        let top = try scope.run("top", "--json", "--count", "2", "--interval", "0.05", "--file-prefix", "peer")
        #expect(top.exit == .exited(0), "\(top)")
        let channels = try top.output.split(separator: "\n").map {
            try #require(try JSONValue(parsing: String($0)).tree["channels"]).elements
        }
        #expect(channels.map(\.count) == [1, 1])
        #expect(channels[1][0]["completed"]?.unsigned != nil)
        #expect(channels[1][0]["ops_per_second"] == .double(0))
        // The test has stopped its device, as its dump says.
        #expect(channels[1][0]["state"] == .string("stopped"))
        for name in ["bytes", "doorbells", "bytes_per_second", "p99_ns", "used_desc"] {
            #expect(channels[1][0][name] == .null, "\(name)")
        }
        let text = try scope.run("top", "--count", "1", "--file-prefix", "peer").output
        #expect(rows(text)[1].joined(separator: " ").hasPrefix("0 dma_skeleton 0 stopped - - - - - - - - "), "\(text)")
    }

    @Test func whatItDoesDuringAProgramIsCounted() throws {
        let application = try startApplication()
        defer { application.closeInput() }
        let stat = try scope.start("stat", "--", "sh", "-c", "echo ready; read line")
        try stat.waitForOutput(containing: "ready")
        application.write("dmadev_autotest\n")
        try application.waitForOutput(containing: "Test OK")
        stat.write("\n")
        let result = try stat.wait()
        #expect(result.exit == .exited(0), "\(result)")
        // It reports neither bytes nor latencies.
        let row = try #require(
            result.errors.firstMatch(of: #/\/dpdk\/peer +\d+ +dma_skeleton +0 +(\d+) +\S+( [kM])? +- +- +\d+ +- +- /#))
        #expect(Int(row.1) ?? 0 > 0)
    }

    @Test func itsFiguresAreMetrics() throws {
        let application = try startApplication()
        defer { application.closeInput() }
        application.write("dmadev_autotest\n")
        try application.waitForOutput(containing: "Test OK")
        let text = try Exposition(scope.run("metrics", "--format", "openmetrics").output)
        let peer = ["prefix": "peer", "prefix_instance": "0"]
        #expect(text.value("dmascope_scrape_success", peer) == 1)
        #expect(text.value("dmascope_source_info", peer.merging(["program": "DPDK"]) { $1 }) == 1)
        let device = peer.merging(["device": "0", "name": "dma_skeleton"]) { $1 }
        #expect(text.value("dmadev_device_vchans", device) == 1)
        #expect(text.value("dmadev_device_capability", device.merging(["capability": "copy"]) { $1 }) == 1)
        let completed = try scope.json("stats", "--file-prefix", "peer").elements.first?["completed"]?.double
        #expect(text.value("dmadev_operations_completed_total", device.merging(["vchan": "0"]) { $1 }) == completed)
    }

    @Test func itsClientReadsAServer() throws {
        let server = try scope.serve("--file-prefix", "ours", "--workload", "copy")
        defer { server.kill(SIGTERM) }
        let replies = try ask(
            "/dmadev/list", "/dmadev/info,0", "/dmadev/stats,0", "/dmadev/stats,1", "/help,/dmadev/info", prefix: "ours"
        )
        #expect(replies[0] == .object([JSONTree.Member("/dmadev/list", .array([.integer(0), .integer(1)]))]))
        let info = try #require(replies[1]["/dmadev/info"])
        #expect(
            info.keys.prefix(9) == [
                "name", "nb_vchans", "nb_priorities", "numa_node", "max_vchans", "max_desc", "min_desc", "max_sges",
                "capabilities",
            ])
        #expect(info["name"] == .string("dma0"))
        #expect(replies[2]["/dmadev/stats"]?.keys == ["submitted", "completed", "errors"])
        // Two channels, and none was named.
        #expect(replies[3]["/dmadev/stats"] == .null)
        #expect(replies[4]["/help"]?["/dmadev/info"]?.string?.contains("int dev_id") == true)
    }

    private static var package: String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
    }

    /// The files of Debian's package.
    private static var exporter: String { "\(package)/.cache/dpdk-exporter/usr" }

    /// DPDK's own exporter, with its own endpoints and the one for dmadev.
    @Test(
        .enabled(
            if: FileManager.default.fileExists(atPath: "\(exporter)/bin/dpdk-telemetry-exporter.py"),
            "run scripts/fetch-dpdk-exporter"))
    func itsExporterExportsAServer() throws {
        let (package, exporter) = (Self.package, Self.exporter)
        let server = try scope.serve("--file-prefix", "ours", "--workload", "copy")
        defer { server.kill(SIGTERM) }
        // The exporter takes no port 0.
        let bind = "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])"
        let port = try outputOfProgram("/usr/bin/python3", ["-c", bind]).split(separator: "\n")[0]
        let program = try RunningProgram(
            "/usr/bin/python3",
            [
                "-u", "\(exporter)/bin/dpdk-telemetry-exporter.py", "-o", "openmetrics://127.0.0.1:\(port)", "-p",
                "\(package)/dashboards/dpdk-exporter:\(exporter)/share/dpdk/telemetry-endpoints", "-s",
                scope.socket("ours"),
            ], environment: scope.environment)
        defer { program.kill(SIGKILL) }
        try program.waitForOutput(containing: "listening on")
        let curl = try requiredTool("curl", package: "curl")
        let text = try outputOfProgram(curl, ["-sS", "http://127.0.0.1:\(port)/metrics"])
        for line in [
            "dpdk_dmadev_devices 2", #"dpdk_dmadev_vchans{device="0", name="dma0"} 1"#,
            "# TYPE dpdk_dmadev_completed counter",
            #"dpdk_dmadev_errors{device="1", name="dma1", vchan="0"} 0"#,
        ] {
            #expect(text.contains(line + "\n"), "\(line) in \(text)")
        }
        program.kill(SIGKILL)
        let log = try program.wait()
        #expect(!"\(log)".contains("Traceback"), "\(log)")
    }

    @Test func itsClientReadsACopy() throws {
        let source = scope.directory.file("source")
        try Data(repeating: 1, count: 8_000_000).write(to: URL(fileURLWithPath: source))
        let copy = try scope.start(
            "copy", source, scope.directory.file("copy"), "--chunk", "1", "--file-prefix", "ours")
        while try scope.run("list", "--file-prefix", "ours").exit == .exited(3) {}
        #expect(try ask("/dmadev/list", prefix: "ours")[0]["/dmadev/list"] == .array([.integer(0)]))
        let statistics = try ask("/dmadev/stats,0", prefix: "ours")[0]["/dmadev/stats"]
        #expect(try #require(statistics?["submitted"]?.unsigned) > 0)
        copy.kill(SIGTERM)
        #expect(try copy.wait().exit == .exited(143))
    }
}
