import Glibc
import MetricsTestSupport
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

/// A machine with many processes, some of which mean it ill.
@Suite struct CrowdTests {
    private static let count = 300

    @Test func everybodyIsToldOfBesideThoseWhoMeanItIll() throws {
        let scope = try Scope()
        let crowd = try RunningProgram(
            builtProduct("telemetry-crowd"), [scope.runDirectory, "\(Self.count)"])
        try crowd.waitForOutput(containing: "ready")
        let offers: [FakePeer.Step] = [
            .send(FakePeer.greeting), .receive, .send(#"{"/":["/","/dmadev/info","/dmadev/list"]}"#), .receive,
        ]
        let flood = FakePeer.Step.send(#"{"/dmadev/list":[0]}"# + String(repeating: " ", count: 4096))
        let hostile: [(prefix: String, reason: String, steps: [FakePeer.Step]?)] = [
            ("hung", "timedOut", nil),
            ("junk", "invalidJSON", offers + [.send("%&!"), .waitForEnd]),
            ("flooding", "invalidJSON", offers + [FakePeer.Step](repeating: flood, count: 4096)),
            ("dying", "invalidJSON", offers + [.send(#"{"/dmadev/list":[0"#)]),
        ]
        let peers = try hostile.map { try FakePeer(scope.makeSocket($0.prefix), $0.steps) }

        let lines = try metrics(scope)
        // All that is looked at: to read everything takes long.
        let families = ["dmascope_", "dmadev_devices", "dmadev_operations_completed"]
        let wanted = lines.filter { line in
            let name = line.hasPrefix("# ") ? line.dropFirst("# TYPE ".count) : line
            return families.contains { name.hasPrefix($0) }
        }
        let text = try Exposition(wanted.joined(separator: "\n") + "\n")
        func values(_ name: String) -> [String: Double] {
            Dictionary(uniqueKeysWithValues: text[name].map { ($0.labels["prefix"] ?? "", $0.value) })
        }
        let crowded = Dictionary(uniqueKeysWithValues: (0..<Self.count).map { ("app\($0)", 1.0) })
        #expect(values("dmadev_operations_completed_total") == crowded)
        #expect(values("dmadev_devices") == crowded)
        let failed = Dictionary(uniqueKeysWithValues: hostile.map { ($0.prefix, 0.0) })
        #expect(values("dmascope_scrape_success") == crowded.merging(failed) { $1 })
        for (prefix, reason, _) in hostile {
            #expect(
                text["dmascope_scrape_failure_info", ["prefix": prefix]].map { $0.labels["reason"] } == [reason],
                "\(prefix)")
            #expect(!lines.contains { $0.hasPrefix("dmadev_") && $0.contains("=\"\(prefix)\"") }, "\(prefix)")
        }
        _ = peers
        crowd.closeInput()
        #expect(try crowd.wait().exit == .exited(0))
    }

    /// Metrics, page, `vchans` and `top` of the same processes.
    @Test(arguments: [(1, 1024), (300, 1)]) func allViewsAgree(sourceCount: Int, channelCount: Int) throws {
        let scope = try Scope()
        let crowd = try RunningProgram(
            builtProduct("telemetry-crowd"), [scope.runDirectory, "\(sourceCount)", "\(channelCount)"])
        try crowd.waitForOutput(containing: "ready")
        let server = try scope.serve(
            "--listen", "unix:\(scope.httpPath)", "--scrape-timeout", "60", "--device", "software,name=own")
        defer { server.kill(SIGTERM) }
        let all = sourceCount * channelCount
        let text = try Exposition(scope.curl("http://localhost/metrics"))
        let crowded = text["dmadev_operations_completed_total", ["name": "dma0"]]
        #expect(crowded.count == all && crowded.allSatisfy { $0.value == 1 })
        #expect(text["dmadev_vchan_state", ["name": "dma0", "state": "idle"]].map(\.value).reduce(0, +) == Double(all))
        #expect(text["dmadev_operation_latency_seconds_count", ["name": "dma0"]].count == all)
        #expect(text["dmascope_scrape_success"].map(\.value) == [Double](repeating: 1, count: sourceCount + 1))
        // No part was requested that does not exist.
        #expect(text["dmadev_telemetry_request_errors_total"].allSatisfy { $0.value == 0 })

        let snapshot = try JSONValue(parsing: scope.curl("http://localhost/snapshot.json")).tree
        let processes = try #require(snapshot["processes"]?.elements.filter { $0["prefix"]?.string != "dmascope" })
        #expect(processes.count == sourceCount)
        #expect(processes.allSatisfy { $0["omitted_vchans"] == .integer(0) })
        let channels = processes.flatMap { $0["devices"]?[0]?["vchans"]?.elements ?? [] }
        #expect(channels.count == all)
        #expect(channels.allSatisfy { $0["counters"]?["completed"] == .integer(1) && $0["state"] == .string("idle") })
        #expect(channels.allSatisfy { $0["latency"]?["count"] == .integer(1) })

        let last = "app\(sourceCount - 1)"
        let rows = try scope.json("vchans", "--file-prefix", last).elements
        #expect(rows.map { $0["vchan"] } == (0..<Int64(channelCount)).map { .integer($0) })
        let top = try scope.json("top", "--count", "1", "--file-prefix", last)["channels"]?.elements ?? []
        #expect(top.map { $0["vchan"] } == rows.map { $0["vchan"] })
        #expect(top.allSatisfy { $0["completed"] == .integer(1) && $0["state"] == .string("idle") })
        crowd.closeInput()
        #expect(try crowd.wait().exit == .exited(0))
    }

    @Test func theServicesOwnDevicesAreOnThePageBesideLongReplies() throws {
        let scope = try Scope()
        func list(of element: String) -> String {
            "[" + [String](repeating: element, count: 750_000 / (element.utf8.count + 1)).joined(separator: ",") + "]"
        }
        let steps: [FakePeer.Step] = [
            .send(FakePeer.greeting(maximumOutputLength: 1 << 20)), .receive,
            .send(#"{"/":["/","/dmadev/info","/dmadev/list",\#(list(of: #""x""#).dropFirst())}"#), .receive,
            .send(#"{"/dmadev/list":\#(list(of: "0"))}"#), .waitForEnd,
        ]
        // By their names they come before the service.
        let prefixes = ["a", "b", "c", "d"]
        let peers = try prefixes.map { try FakePeer(scope.makeSocket($0), steps) }
        let server = try scope.serve("--listen", "unix:\(scope.httpPath)", "--scrape-timeout", "10")
        defer { server.kill(SIGTERM) }
        let text = try Exposition(scope.curl("http://localhost/metrics"))
        #expect(text.value("dmadev_devices", ["prefix": "dmascope"]) == 2)
        #expect(text["dmascope_scrape_failure_info"].map { $0.labels["prefix"] } == prefixes)
        #expect(text["dmascope_scrape_failure_info"].allSatisfy { $0.labels["reason"] == "tooLong" })
        _ = peers
    }

    /// On a machine that has other things to do, a second may be too short for those who mean it well.
    private func metrics(_ scope: Scope) throws -> [Substring] {
        var timeout = 1
        while true {
            let lines = try scope.run("metrics", "--scrape-timeout", "\(timeout)").output.split(separator: "\n")
            if timeout > 30 || lines.contains(#"dmascope_sources{state="answering"} \#(Self.count)"#) { return lines }
            timeout *= 2
        }
    }
}
