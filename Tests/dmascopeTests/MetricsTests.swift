import Foundation
import MetricsTestSupport
import TelemetryClient
import TelemetryWire
import TestSupport
import Testing

/// `dmascope metrics`, and what `dmascope serve` offers to scrapers.
@Suite struct MetricsTests {
    private let scope: Scope

    init() throws { scope = try Scope() }

    private let own = ["prefix": "dmascope", "prefix_instance": "0"]

    /// Where a server says that its metrics are.
    private func address(of server: RunningProgram) throws -> String {
        let line = try #require(
            server.outputSoFar.split(separator: "\n").first { $0.hasPrefix("Metrics for Prometheus: ") })
        return String(line.dropFirst("Metrics for Prometheus: ".count))
    }

    @Test func everyFormatTellsOfTheDevices() throws {
        let server = try scope.serve("--workload", "copy")
        defer { server.kill(SIGTERM) }
        for format in ["prometheus", "openmetrics"] {
            let text = try Exposition(scope.run("metrics", "--format", format).output)
            #expect(text.value("dmadev_devices", own) == 2)
            #expect(text["dmadev_operations_completed_total", own].count == 3)
            // The figures of a program that ends at once are of no use.
            #expect(text["process_resident_memory_bytes"].isEmpty)
        }
        let lines = try scope.run("metrics", "--once", "--format", "json").output.split(separator: "\n")
            .map { try JSONValue(parsing: String($0)).tree }
        let devices = lines.filter {
            $0["metric"] == .string("dmadev_devices") && $0["labels"]?["prefix"] == .string("dmascope")
        }
        #expect(devices.count == 1 && devices[0]["value"] == .integer(2))
        let csv = try scope.run("metrics", "--format", "csv").output.split(separator: "\n")
        #expect(csv.first == "time,metric,labels,value")
        let labels = "run_directory=\(scope.runDirectory)/dpdk;prefix=dmascope;prefix_instance=0"
        #expect(csv.contains { $0.contains(",dmadev_devices,\(labels),2") })
    }

    @Test func aFileIsReplacedAgainAndAgain() throws {
        let server = try scope.serve("--workload", "copy")
        defer { server.kill(SIGTERM) }
        let file = scope.directory.file("dmadev.prom")
        let metrics = try scope.start("metrics", "--interval", "0.1", "--output", file)
        func completed() throws -> Double? {
            guard FileManager.default.fileExists(atPath: file) else { return nil }
            // Whatever the moment, the text is whole.
            let text = try Exposition(String(contentsOfFile: file, encoding: .utf8))
            return text.value("dmadev_operations_completed_total", own.merging(["name": "dma0"]) { $1 })
        }
        var first: Double?
        while first == nil { first = try completed() }
        while try completed() == first {}
        metrics.kill(SIGTERM)
        #expect(try metrics.wait().exit == .exited(0))
        #expect(try scope.directory.contents.filter { $0.contains("dmadev.prom") } == ["dmadev.prom"])
        expect(
            try scope.run("metrics", "--output", scope.directory.file("none/x")), exits: 1,
            saying: "choose a file in a directory that you can write to")
    }

    /// dmascope with both streams as its output.
    private func startWithErrors(_ arguments: String...) throws -> RunningProgram {
        try RunningProgram(
            "/bin/sh", ["-c", "exec \"$@\" 2>&1", "sh", scope.program] + arguments, environment: scope.environment)
    }

    @Test func aLaterFileThatCannotBeWrittenIsSaidOnceAndTheNextIsTried() throws {
        let server = try scope.serve()
        defer { server.kill(SIGTERM) }
        let (folder, away) = (scope.directory.file("folder"), scope.directory.file("away"))
        let manager = FileManager.default
        let file = folder + "/dmadev.prom"
        // The first failure is the end: the command line may be wrong.
        expect(
            try scope.run("metrics", "--interval", "0.1", "--output", file), exits: 1, saying: "cannot write \(file)")

        try manager.createDirectory(atPath: folder, withIntermediateDirectories: false)
        let metrics = try startWithErrors("metrics", "--interval", "0.1", "--output", file)
        while !manager.fileExists(atPath: file) {}
        try manager.moveItem(atPath: folder, toPath: away)
        try metrics.waitForOutput(containing: "trying again every 100 ms")
        // Several collections later.
        func collections() throws -> UInt64 {
            let reply = try JSONValue(parsing: scope.run("query", "dmascope", "/telemetry/stats").output).tree
            return try #require(reply["/telemetry/stats"]?["accepted"]?.unsigned)
        }
        let before = try collections()
        var questions: UInt64 = 1
        while try collections() < before + questions + 5 { questions += 1 }
        try manager.moveItem(atPath: away, toPath: folder)
        try metrics.waitForOutput(containing: "\(file) is written again")
        metrics.kill(SIGTERM)
        let result = try metrics.wait()
        #expect(result.exit == .exited(0))
        #expect(result.output.split(separator: "\n").count == 2, "\(result.output)")
    }

    @Test func theFileIsReadableAndItsModeStays() throws {
        let file = scope.directory.file("dmadev.prom")
        func write(_ arguments: String...) throws -> Int? {
            let result = try runProgram(
                "/bin/sh",
                ["-c", "umask 077; exec \"$@\"", "sh", scope.program, "metrics", "--output", file] + arguments,
                environment: scope.environment)
            #expect(result.exit == .exited(0), "\(result)")
            return try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        }
        #expect(try write() == 0o644)
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
        #expect(try write() == 0o640)
        #expect(try write("--mode", "0604") == 0o604)
        #expect(try write() == 0o604)
    }

    @Test func jsonIsAFormatAndAnOption() throws {
        let lines = try scope.run("metrics", "--json").output.split(separator: "\n")
        #expect(try !lines.isEmpty && lines.allSatisfy { try JSONValue(parsing: String($0)).tree["metric"] != nil })
    }

    @Test func collectionsFollowEachOtherUntilTheEnd() throws {
        let metrics = try scope.start("metrics", "--interval", "0.1", "--format", "csv")
        try metrics.waitForOutput { output in
            output.components(separatedBy: "dmascope_build_info").count > 3 ? true : nil
        }
        metrics.kill(SIGINT)
        let result = try metrics.wait()
        #expect(result.exit == .exited(0))
        #expect(result.output.components(separatedBy: "time,metric").count == 2)
    }

    @Test func theTableIsPrinted() throws {
        let output = try scope.run("metrics", "--describe").output
        #expect(output.hasPrefix("| metric | type | labels | from | meaning |\n"))
        #expect(output.contains("| `dmadev_moved_bytes_total` | counter |"))
    }

    @Test func scrapersAreServedUntilTheEnd() throws {
        let server = try scope.serve("--workload", "copy", "--listen", "127.0.0.1:0")
        let curl = try requiredTool("curl", package: "curl")
        let address = try address(of: server)
        #expect(address.hasPrefix("http://127.0.0.1:") && address.hasSuffix("/metrics"))
        let text = try Exposition(outputOfProgram(curl, ["-sS", "--noproxy", "*", address]))
        #expect(text["dmadev_operations_completed_total", own].count == 3)
        #expect(try #require(text.value("process_resident_memory_bytes")) > 0)

        // The port is taken now.
        let port = String(address.dropFirst("http://".count).dropLast("/metrics".count))
        expect(
            try scope.run("serve", "--listen", port), exits: 1,
            saying: "cannot listen on \(port): Address already in use: end the program that uses it, or choose another")
        #expect(try scope.leftovers.count { $0.hasSuffix("dpdk_telemetry.v2") } == 1)

        server.kill(SIGINT)
        let result = try server.wait()
        #expect(result.exit == .exited(0) && result.errors == "", "\(result)")
        #expect(try runProgram(curl, ["-sS", "--noproxy", "*", address]).exit == .exited(7))
        #expect(try scope.leftovers.isEmpty)
    }

    @Test(arguments: [
        (":0", "http://localhost:", true), ("*:0", "http://localhost:", true), ("[::]:0", "http://[::]:", true),
        ("0.0.0.0:0", "http://0.0.0.0:", true), ("localhost:0", "http://localhost:", false),
        ("127.0.0.1:0", "http://127.0.0.1:", false),
    ])
    func addressesAreThoseOfOtherExportersAndAWiderOneIsAWarning(
        listen: String, location: String, isWide: Bool
    ) throws {
        let server = try scope.serve("--listen", listen)
        let address = try address(of: server)
        #expect(address.hasPrefix(location))
        let port = try #require(address.firstMatch(of: #/:([0-9]+)\/metrics$/#)?.1)
        let hosts = isWide ? ["127.0.0.1", "localhost"] : ["localhost"]
        for host in hosts {
            let answer = try outputOfProgram(
                requiredTool("curl", package: "curl"), ["-sS", "--noproxy", "*", "http://\(host):\(port)/healthz"])
            #expect(answer == "ok\n")
        }
        server.kill(SIGTERM)
        let result = try server.wait()
        #expect(result.errors.contains("other machines can reach the live page") == isWide, "\(result)")
    }

    @Test func scrapersAreServedOnAUnixSocket() throws {
        let path = scope.httpPath
        let server = try scope.serve("--listen", "unix:\(path)")
        #expect(try address(of: server) == "/metrics on unix:\(path)")
        let curl = try requiredTool("curl", package: "curl")
        let output = try outputOfProgram(curl, ["-sS", "--unix-socket", path, "http://localhost/metrics"])
        #expect(try Exposition(output).value("dmadev_devices", own) == 2)
        server.kill(SIGTERM)
        #expect(try server.wait().exit == .exited(0))
        #expect(try scope.directory.contents == ["run"])
    }
}

/// What clients and other servers may do to the one over HTTP.
@Suite struct MetricsServiceTests {
    private let scope: Scope
    private let path: String

    init() throws {
        scope = try Scope()
        path = scope.httpPath
    }

    @Test func theFormatIsTheOneThatIsAccepted() throws {
        let server = try scope.serve("--listen", "unix:\(path)")
        defer { server.kill(SIGTERM) }
        let accept = "Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
        let answer = try scope.curl("--include", "--header", accept, "http://localhost/metrics")
        #expect(answer.contains("application/openmetrics-text; version=1.0.0; charset=utf-8"))
        #expect(answer.hasSuffix("# EOF\n"))
        #expect(
            try scope.curl("--head", "http://localhost/metrics").contains("text/plain; version=0.0.4; charset=utf-8"))
        #expect(try scope.curl("--include", "http://localhost/nowhere").hasPrefix("HTTP/1.1 404 "))
    }

    @Test func theSocketIsPrivateAndThatOfAKilledServerIsReplaced() throws {
        let killed = try scope.serve("--listen", "unix:\(path)")
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        expect(
            try scope.run("serve", "--listen", "unix:\(path)"), exits: 1,
            saying: "another server listens there: end the program")
        killed.kill(SIGKILL)
        try killed.wait()
        let server = try scope.serve("--listen", "unix:\(path)")
        defer { server.kill(SIGTERM) }
        #expect(try Exposition(scope.curl("http://localhost/metrics"))["dmascope_build_info"].count == 1)

        let file = scope.directory.file("file")
        try "text".write(toFile: file, atomically: false, encoding: .utf8)
        expect(
            try scope.run("serve", "--listen", "unix:\(file)"), exits: 1,
            saying: "a file that is no socket exists there")
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "text")
    }

    @Test func everyFigureOfTheServerHasOneName() throws {
        let server = try scope.serve("--listen", "unix:\(path)")
        defer { server.kill(SIGTERM) }
        let user = try RunningProgram(
            scope.program,
            [
                "serve", "--file-prefix", "user", "--no-controller", "--listen", "off", "--device",
                "controller,socket=\(scope.runDirectory)/dmascope/dmascope.control",
            ], environment: scope.environment)
        defer { user.kill(SIGTERM) }
        try user.waitForOutput(containing: "Ctrl-C ends it.")
        // A number of requests, of which half are refused, that no other figure comes near.
        let client = try TelemetryClient(path: scope.socket())
        for _ in 0..<2741 { for command in ["/telemetry/stats", "/none"] { _ = try client.request(command) } }

        _ = try scope.curl("http://localhost/metrics")
        let output = try scope.curl("--header", "Accept: application/openmetrics-text", "http://localhost/metrics")
        #expect(output.components(separatedBy: "# EOF").count == 2)
        #expect(try !MetricsReaders.openMetricsSamples(output).isEmpty)
        let text = try Exposition(output)
        func names(_ values: ClosedRange<Double>) -> [String] {
            text.samples.filter { values.contains($0.value) }.map(\.name)
        }
        #expect(names(2741...2751) == ["dmadev_telemetry_request_errors_total"])
        #expect(names(5482...5582) == ["dmadev_telemetry_requests_total"])
        #expect(text.samples.map(\.name).filter { $0.hasSuffix("connections") } == ["dmadev_controller_connections"])
        #expect(text.value("dmadev_controller_connections") == 1)
        #expect(text.value("dmascope_http_requests_total", ["path": "/metrics", "status": "200"]) == 1)
        #expect(text.value("dmascope_http_request_duration_seconds_count", ["path": "/metrics"]) == 1)
    }

    @Test func aClientWithHalfARequestDoesNotKeepIt() throws {
        let server = try scope.serve("--listen", "unix:\(path)")
        let script = """
            import socket, sys
            s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.send(b"GET /metr"); print("sent", flush=True)
            s.recv(100000)
            """
        let client = try RunningProgram("/usr/bin/python3", ["-c", script, path])
        try client.waitForOutput(containing: "sent")
        server.kill(SIGTERM)
        #expect(try server.wait().exit == .exited(0))
        try client.wait()
    }
}

/// Prometheus itself.
@Suite struct PrometheusTests {
    @Test func prometheusScrapesAServerAtWork() throws {
        let scope = try Scope()
        let server = try scope.serve("--workload", "copy", "--listen", "127.0.0.1:0")
        defer { server.kill(SIGTERM) }
        let line = try server.waitForOutput { $0.firstMatch(of: #/http:\/\/(127.0.0.1:[0-9]+)\/metrics/#)?.1 }
        let configuration = """
            global: {scrape_interval: 1s}
            scrape_configs:
              - job_name: dma
                static_configs: [{targets: ['\(line)']}]

            """
        let file = scope.directory.file("prometheus.yml")
        try configuration.write(toFile: file, atomically: false, encoding: .utf8)
        let prometheus = try RunningProgram(
            "/bin/sh",
            [
                "-c", "exec \"$@\" 2>&1", "sh", MetricsReaders.prometheus("prometheus"), "--config.file=\(file)",
                "--storage.tsdb.path=\(scope.directory.file("data"))", "--web.listen-address=127.0.0.1:0",
            ])
        defer {
            prometheus.kill(SIGTERM)
            _ = try? prometheus.wait()
        }
        let port = try prometheus.waitForOutput {
            $0.firstMatch(of: #/msg="Listening on" address=127.0.0.1:([0-9]+)/#)?.1
        }

        /// Asks until there is something.
        func value(_ query: String) throws -> Double {
            let end = ContinuousClock.now + .seconds(60)
            while ContinuousClock.now < end {
                // Refused while it is not ready.
                let result = try runProgram(
                    MetricsReaders.prometheus("promtool"), ["query", "instant", "http://127.0.0.1:\(port)", query])
                if let match = result.output.firstMatch(of: #/=> ([0-9.e+-]+) @/#), let value = Double(match.1) {
                    return value
                }
            }
            throw TestSupportError("Prometheus knows nothing of \(query): \(prometheus.outputSoFar)")
        }
        #expect(try value("up{job=\"dma\"} == 1") == 1)
        #expect(try value("count(dmadev_operations_completed_total{prefix=\"dmascope\"})") == 3)
        #expect(try value("sum(rate(dmadev_moved_bytes_total{prefix=\"dmascope\"}[10s])) > 0") > 0)
        let p99 = "histogram_quantile(0.99, sum by (le) (dmadev_operation_latency_seconds_bucket))"
        #expect(try value("\(p99) > 0") > 0)
        #expect(
            try value(
                "dmadev_devices * on (run_directory, prefix, prefix_instance) group_left (program) dmascope_source_info{program=\"dmascope\"}"
            )
                >= 2)
    }
}
