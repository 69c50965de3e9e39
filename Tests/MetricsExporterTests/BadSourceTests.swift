import Glibc
import MetricsExporter
import MetricsTestSupport
import OpenMetricsText
import TelemetryServer
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

/// Sources that misbehave, and sources that are DPDK.
@Suite struct BadSourceTests {
    private let directory: TemporaryDirectory
    private var configuration = MetricsCollector.Configuration()

    init() throws {
        directory = try TemporaryDirectory()
        configuration.directories = [directory.runDirectory]
        configuration.timeout = .seconds(60)
        configuration.sysfs = directory.file("sys")
        configuration.includesProcessMetrics = false
    }

    private func exposition(_ collector: MetricsCollector) throws -> Exposition {
        try Exposition(MetricsText.openMetrics.text(of: collector.collect()))
    }

    private func peer(_ prefix: String, _ steps: [FakePeer.Step]?) throws -> FakePeer {
        directory.makeRunDirectory(prefix)
        return try FakePeer(directory.runDirectory.socketPath(filePrefix: prefix), steps)
    }

    /// A peer that greets, and answers each request with the next of these.
    private static func answering(_ replies: [String], thenLeaves: Bool = false) -> [FakePeer.Step] {
        [.send(FakePeer.greeting)] + replies.flatMap { [.receive, .send($0)] } + (thenLeaves ? [] : [.waitForEnd])
    }

    private static let offers = #"{"/":["/","/dmadev/info","/dmadev/list","/dmadev/stats"]}"#
    private static let info = #"{"/dmadev/info":{"name":"dma","nb_vchans":1,"capabilities":{"copy":1,"fill":0}}}"#

    private static func statistics(_ count: Int) -> String {
        #"{"/dmadev/stats":{"submitted":\#(count),"completed":\#(count),"errors":0}}"#
    }

    @Test func oneThatNeverAnswersIsNamedAndOthersAreServed() throws {
        var configuration = configuration
        configuration.timeout = .milliseconds(300)
        let mute = try peer("mute", nil)
        let silent = try peer("silent", Self.answering([Self.offers]))
        let server = try TelemetryServer.start(filePrefix: "well", commands: [], in: directory.runDirectory)
        defer { server.stop() }
        let text = try exposition(MetricsCollector(configuration))
        for (prefix, success) in [("mute", 0), ("silent", 0), ("well", 1)] {
            #expect(text.value("dmascope_scrape_success", ["prefix": prefix]) == Double(success), "\(prefix)")
        }
        #expect(text["dmascope_scrape_failure_info", ["reason": "timedOut"]].count == 2)
        #expect(
            text.value("dmascope_source_info", ["prefix": "silent", "program": "DPDK", "version": "26.11.0-rc0"]) == 1)
        #expect(text.value("dmascope_source_info", ["prefix": "mute", "program": ""]) == 1)
        #expect(text["dmadev_telemetry_clients"].map { $0.labels["prefix"] } == ["well"])
        _ = (mute, silent)
    }

    /// The replies before the failure are dropped: part of a process would be misleading.
    @Test(arguments: [
        ("diesMidReply", ["{\"/dmadev/list\":[0]}", info], true, "disconnected"),
        ("junk", ["{\"/dmadev/list\":[0]}", "%&!"], false, "invalidJSON"),
        ("otherReply", ["{\"/dmadev/info\":[0]}"], false, "invalidJSON"),
    ])
    func oneThatFailsOnTheWayTellsNothing(prefix: String, replies: [String], leaves: Bool, reason: String) throws {
        let peer = try peer(prefix, Self.answering([Self.offers] + replies, thenLeaves: leaves))
        let text = try exposition(MetricsCollector(configuration))
        #expect(text.value("dmascope_scrape_success", ["prefix": prefix]) == 0)
        #expect(text.value("dmascope_scrape_failure_info", ["reason": reason]) == 1)
        #expect(text.samples.allSatisfy { !$0.name.hasPrefix("dmadev_") })
        _ = peer
    }

    @Test func oddValuesBreakNothing() throws {
        let name = String(repeating: "\\u0000\\\"", count: 1000)
        let info = """
            {"/dmadev/info":{"name":"\(name)","nb_vchans":1,"max_vchans":"many","min_desc":null,"nb_priorities":-3,\
            "numa_node":[],"capabilities":{"a":1,"b":"x","":2}}}
            """
        let peer = try peer(
            "odd",
            Self.answering([
                Self.offers, #"{"/dmadev/list":[0,0,-1,99999,"x",null]}"#, info,
                #"{"/dmadev/stats":{"submitted":"x","completed":1.5,"errors":18446744073709551615}}"#,
            ]))
        let text = try exposition(MetricsCollector(configuration))
        #expect(text.value("dmascope_scrape_success", ["prefix": "odd"]) == 1)
        #expect(text["dmadev_operations_submitted_total"].isEmpty)
        #expect(text.value("dmadev_operations_completed_total") == 1.5)
        #expect(text["dmadev_operation_errors_total"].map(\.text) == ["18446744073709551615"])
        #expect(text["dmadev_device_capability"].map { $0.labels["capability"] } == ["a", ""])
        #expect(text.value("dmadev_device_priorities") == -3)
        #expect(text["dmadev_device_vchans_limit"].isEmpty && text["dmadev_device_descriptors_minimum"].isEmpty)
        #expect(try #require(text["dmadev_device_info"].first?.labels["name"]).utf8.count <= 3 * 256)
        _ = peer
    }

    /// A page with such values would be refused by the scraper, with the values of all sources.
    @Test(arguments: [
        ("negative", #"{"/dmadev/stats":{"submitted":-1,"completed":1,"errors":0}}"#),
        ("infinite", #"{"/dmadev/stats":{"submitted":1,"completed":1e999,"errors":0}}"#),
        ("nan", #"{"/dmadev/stats":{"submitted":1,"completed":NaN,"errors":0}}"#),
        ("bucket", #"{"/dmadev/latency":[{"vchan":0,"sum_ns":1,"buckets":[{"below_ns":64,"count":-1}]}]}"#),
        (
            "buckets",
            #"{"/dmadev/latency":[{"vchan":0,"sum_ns":1,"buckets":[{"below_ns":64,"count":18446744073709551615},"#
                + #"{"below_ns":128,"count":18446744073709551615}]}]}"#
        ),
        ("sum", #"{"/dmadev/latency":[{"vchan":0,"sum_ns":-1,"buckets":[{"below_ns":64,"count":1}]}]}"#),
        ("noArray", #"{"/dmadev/latency":{"count":1,"sum_ns":1,"buckets":[{"below_ns":64,"count":1}]}}"#),
        ("otherChannel", #"{"/dmadev/latency":[{"vchan":1,"sum_ns":1,"buckets":[]}]}"#),
    ])
    func impossibleCountsFailTheirSourceOnly(prefix: String, reply: String) throws {
        let offers = Self.offers.replacing(
            "/dmadev/stats", with: reply.contains("latency") ? "/dmadev/latency" : "/dmadev/stats")
        // Where channels are missing, the device is looked at again.
        let bad = try peer(prefix, Self.answering([offers, #"{"/dmadev/list":[0]}"#, Self.info, reply, Self.info]))
        let good = try peer("good", Self.answering([Self.offers, #"{"/dmadev/list":[]}"#]))
        let text = try exposition(MetricsCollector(configuration))
        #expect(text["dmascope_scrape_failure_info", ["reason": "timedOut"]].isEmpty)
        #expect(text.value("dmascope_scrape_success", ["prefix": prefix]) == 0)
        #expect(text.value("dmascope_scrape_success", ["prefix": "good"]) == 1)
        #expect(text["dmascope_scrape_failure_info"].map { $0.labels["prefix"] } == [prefix])
        _ = (bad, good)
    }

    /// Two lines of one series would make the page invalid, too.
    @Test func aSeriesThatOccursTwiceFailsItsSourceOnly() throws {
        let bad = try peer(
            "twice",
            Self.answering([
                #"{"/":["/","/dmadev/info","/dmadev/list","/dmadev/vchans"]}"#, #"{"/dmadev/list":[0]}"#,
                Self.info.replacing(#""nb_vchans":1"#, with: #""nb_vchans":2"#),
                #"{"/dmadev/vchans":[{"vchan":0,"nb_desc":64},{"vchan":0,"nb_desc":32}]}"#,
            ]))
        let good = try peer("good", Self.answering([Self.offers, #"{"/dmadev/list":[]}"#]))
        let text = try exposition(MetricsCollector(configuration))
        #expect(text.value("dmascope_scrape_failure_info", ["prefix": "twice", "reason": "invalidValue"]) == 1)
        #expect(text.value("dmascope_scrape_success", ["prefix": "good"]) == 1)
        _ = (bad, good)
    }

    /// A device of 200 channels, of which the second part is not answered: the source fails, and is not shown thinner.
    @Test(
        arguments: [
            ("null", "null", 200, "incomplete"), ("empty", "[]", 200, "incomplete"), ("fewer", "null", 128, nil),
            ("removed", "null", nil, nil),
        ] as [(String, String, Int?, String?)])
    func aPartThatIsMissingFailsItsSourceByName(prefix: String, part: String, countNow: Int?, reason: String?) throws {
        let rows = (0..<128).map { #"{"vchan":\#($0),"nb_desc":64}"# }.joined(separator: ",")
        let info = #"{"/dmadev/info":{"name":"d","nb_vchans":200}}"#
        let now = countNow.map { #"{"name":"d","nb_vchans":\#($0)}"# } ?? "null"
        let peer = try peer(
            prefix,
            Self.answering([
                #"{"/":["/","/dmadev/info","/dmadev/list","/dmadev/vchans"]}"#, #"{"/dmadev/list":[0]}"#, info,
                #"{"/dmadev/vchans":[\#(rows)]}"#, #"{"/dmadev/vchans":\#(part)}"#, #"{"/dmadev/info":\#(now)}"#,
            ]))
        let text = try exposition(MetricsCollector(configuration))
        #expect(text.value("dmascope_scrape_success", ["prefix": prefix]) == (reason == nil ? 1 : 0))
        #expect(text["dmascope_scrape_failure_info"].map { $0.labels["reason"] } == [reason].compactMap(\.self))
        #expect(text["dmadev_vchan_descriptors"].count == (reason == nil ? 128 : 0))
        _ = peer
    }

    /// A list of the process that is not answered is missing as well.
    @Test func aListThatIsNullFailsItsSource() throws {
        let peer = try peer(
            "list", Self.answering([#"{"/":["/","/dmadev/engines"]}"#, #"{"/dmadev/engines":null}"#]))
        let text = try exposition(MetricsCollector(configuration))
        #expect(text.value("dmascope_scrape_failure_info", ["prefix": "list", "reason": "incomplete"]) == 1)
        _ = peer
    }

    /// Four sources whose long replies are legal: each costs its own time, and the others are collected.
    @Test func longRepliesCostOnlyTheirSources() throws {
        let length = 750_000
        func list(of element: String) -> String {
            "[" + [String](repeating: element, count: length / (element.utf8.count + 1)).joined(separator: ",") + "]"
        }
        func filled(_ members: String) -> String { #"{"fill":\#(list(of: "0")),\#(members)}"# }
        let commands = #""/","/dmadev/info","/dmadev/latency","/dmadev/list","/dmadev/stats","/dmadev/vchans""#
        // Long from the first reply on, while the others have not been read.
        let offers = #"{"/":[\#(commands),\#(list(of: #""x""#).dropFirst())}"#
        let device = [offers, #"{"/dmadev/list":[0]}"#, #"{"/dmadev/info":{"name":"d","nb_vchans":9}}"#]
        let statistics = #"{"/dmadev/stats":\#(filled(#""submitted":1,"completed":1,"errors":0"#))}"#
        let vchans =
            #"{"/dmadev/vchans":[\#((0..<9).map { #"{"vchan":\#($0),"nb_desc":64}"# }.joined(separator: ","))]}"#
        let latency =
            #"{"/dmadev/latency":[\#((0..<9).map { #"{"vchan":\#($0),"count":0,"sum_ns":0,"buckets":[]}"# }.joined(separator: ","))]}"#
        let buckets = list(of: #"{"below_ns":9,"count":1}"#)
        func bucketsOf(_ vchan: Int) -> String {
            #"{"/dmadev/latency":[{"vchan":\#(vchan),"sum_ns":0,"buckets":\#(buckets)}]}"#
        }
        let hostile: [(prefix: String, replies: [String])] = [
            ("statistics", device + [vchans, latency] + (0..<9).map { _ in statistics }),
            ("channels", device + [#"{"/dmadev/vchans":\#(list(of: "{}"))}"#]),
            (
                "buckets",
                device + [vchans, bucketsOf(0)] + (0..<9).map { _ in Self.statistics(1) } + (1..<9).map(bucketsOf)
            ),
            (
                "devices",
                [offers, #"{"/dmadev/list":\#(list(of: "0"))}"#, #"{"/dmadev/info":\#(filled(#""name":"d""#))}"#]
            ),
        ]
        let peers = try hostile.map { prefix, replies in
            directory.makeRunDirectory(prefix)
            return try FakePeer(
                directory.runDirectory.socketPath(filePrefix: prefix),
                [.send(FakePeer.greeting(maximumOutputLength: 1 << 20))]
                    + replies.flatMap { [.receive, .send($0)] } + [.waitForEnd])
        }
        let good = try peer(
            "good",
            Self.answering(
                [
                    Self.offers, #"{"/dmadev/list":[0]}"#,
                    Self.info.replacing(#""nb_vchans":1"#, with: #""nb_vchans":100"#),
                ] + (0..<100).map { _ in Self.statistics(7) }))
        let own = try TelemetryServer.start(filePrefix: "own", commands: [], in: directory.runDirectory)
        defer { own.stop() }
        // Less than the long replies need together, on this machine and now.
        let began = ContinuousClock.now
        _ = try JSONValue(parsing: statistics).tree
        var configuration = configuration
        configuration.timeout = (ContinuousClock.now - began) * 3
        configuration.ownSockets = [own.path]
        let text = try exposition(MetricsCollector(configuration))
        for (prefix, _) in hostile {
            #expect(text.value("dmascope_scrape_success", ["prefix": prefix]) == 0, "\(prefix)")
            let reason = text["dmascope_scrape_failure_info", ["prefix": prefix]].first?.labels["reason"] ?? ""
            #expect(["tooLong", "timedOut"].contains(reason), "\(prefix): \(reason)")
        }
        for prefix in ["own", "good"] {
            #expect(text.value("dmascope_scrape_success", ["prefix": prefix]) == 1, "\(prefix)")
        }
        #expect(text["dmadev_operations_completed_total", ["prefix": "good"]].count == 100)
        #expect(text["dmadev_telemetry_clients"].map { $0.labels["prefix"] } == ["own"])
        _ = (peers, good)
    }

    @Test func ownSocketsAreReadBeforeTheOthers() throws {
        let peers = try ["own", "other"].map { try peer($0, nil) }
        var configuration = configuration
        configuration.timeout = .milliseconds(100)
        configuration.ownSockets = [peers[0].path]
        let text = try exposition(MetricsCollector(configuration))
        let durations = text["dmascope_scrape_duration_seconds"].map(\.value)
        #expect(durations.count == 2 && durations.allSatisfy { $0 >= 0.1 })
        #expect(try #require(text.value("dmascope_collection_duration_seconds")) >= durations.reduce(0, +))
    }

    @Test func aResetOfDPDKsStatisticsIsPassedOn() throws {
        // FakePeer serves one client after the other by the same script, so each reading has its own peer in the place.
        let collector = MetricsCollector(configuration)
        func reading(_ count: Int) throws -> (value: Double?, created: Double?) {
            let peer = try peer(
                "dpdk", Self.answering([Self.offers, "{\"/dmadev/list\":[3]}", Self.info, Self.statistics(count)]))
            defer { unlink(peer.path) }
            let text = try exposition(collector)
            let labels = ["prefix": "dpdk", "device": "3", "name": "dma", "vchan": "0"]
            return (
                text.value("dmadev_operations_completed_total", labels),
                text.value("dmadev_operations_completed_created", labels)
            )
        }
        let first = try reading(10)
        let second = try reading(20)
        let reset = try reading(5)
        let last = try reading(6)
        #expect([first, second, reset, last].map(\.value) == [10, 20, 5, 6])
        // Since the process started, and since the reset.
        #expect(first.created != nil && first.created == second.created)
        #expect(try #require(reset.created) > (try #require(first.created)))
        #expect(last.created == reset.created)
    }

    @Test func whatDPDKOffersIsExported() throws {
        let peer = try peer(
            "dpdk", Self.answering([Self.offers, "{\"/dmadev/list\":[0]}", Self.info, Self.statistics(7)]))
        let text = try exposition(MetricsCollector(configuration))
        let names = Set(text.samples.map(\.name).filter { $0.hasPrefix("dmadev_") && !$0.hasSuffix("_created") })
        #expect(
            names == [
                "dmadev_devices", "dmadev_device_info", "dmadev_device_vchans", "dmadev_device_capability",
                "dmadev_vchan_state",
                "dmadev_operations_submitted_total", "dmadev_operations_completed_total",
                "dmadev_operation_errors_total",
            ])
        #expect(text.value("dmadev_device_capability", ["capability": "fill"]) == 0)
        _ = peer
    }

    /// DPDK reports neither; both are read in its dump.
    @Test func theStateAndTheRingOfDPDKsDeviceAreExported() throws {
        let dump =
            "DMA Dev 3, 'dma [stopped]' [started]\\n  nb_vchans_configured: 1\\n    desc_empty_ring_count: 90\\n"
            + "    desc_pending_ring_count: 4\\n    desc_running_ring_count: 1\\n    desc_completed_ring_count: 5\\n"
        let offers = #"{"/":["/","/dmadev/dump","/dmadev/info","/dmadev/list","/dmadev/stats"]}"#
        func reading(_ first: String, _ statistics: String) throws -> Exposition {
            let peer = try peer(
                "dpdk",
                Self.answering([
                    offers, #"{"/dmadev/list":[3]}"#, Self.info, #"{"/dmadev/dump":"\#(first)"}"#, statistics,
                ]))
            defer { unlink(peer.path) }
            return try exposition(MetricsCollector(configuration))
        }
        let text = try reading(dump, Self.statistics(7))
        #expect(text.value("dmadev_device_started", ["device": "3"]) == 1)
        #expect(text.value("dmadev_vchan_state", ["vchan": "0", "state": "idle"]) == 1)
        #expect(text.value("dmadev_vchan_descriptors") == 100)
        for (use, count) in [("empty", 90), ("pending", 4), ("running", 1), ("completed", 5)] {
            #expect(text.value("dmadev_vchan_ring_slots", ["use": use]) == Double(count), "\(use)")
        }
        let stopped = try reading("DMA Dev 3, 'dma [started]' [stopped]\\n", Self.statistics(0))
        #expect(stopped.value("dmadev_device_started") == 0)
        #expect(stopped.value("dmadev_vchan_state", ["state": "stopped"]) == 1)
        #expect(stopped["dmadev_vchan_ring_slots"].isEmpty)
        let odd = try reading("", Self.statistics(7))
        #expect(odd.value("dmascope_scrape_success") == 1 && odd["dmadev_device_started"].isEmpty)
    }

    /// The counters of two collections tell that nothing moves.
    @Test func aChannelOfDPDKThatStandsStillIsStuck() throws {
        let collector = MetricsCollector(configuration)
        func state(_ submitted: Int, _ completed: Int) throws -> String? {
            let statistics = #"{"/dmadev/stats":{"submitted":\#(submitted),"completed":\#(completed),"errors":0}}"#
            let peer = try peer(
                "dpdk", Self.answering([Self.offers, "{\"/dmadev/list\":[3]}", Self.info, statistics]))
            defer { unlink(peer.path) }
            return try exposition(collector)["dmadev_vchan_state"].first { $0.value == 1 }?.labels["state"]
        }
        #expect(try state(10, 8) == "active")
        usleep(1_100_000)
        #expect(try state(12, 8) == "stuck")
        #expect(try state(12, 9) == "active")
        #expect(try state(12, 12) == "idle")
        #expect(try state(13, 12) == "active")
    }

    /// Two devices whose controllers have no numbers may be in two groups of the same number.
    @Test func groupsOfUnknownControllersStayApart() throws {
        func group(_ device: Int, _ size: Int) -> String {
            #"{"group_id":0,"controller_id":-1,"kind":"group","size":\#(size),"limit":8,"devices":[\#(device)]}"#
        }
        let peer = try peer(
            "groups",
            Self.answering([
                #"{"/":["/","/dmadev/event_counts","/dmadev/groups"]}"#,
                #"{"/dmadev/event_counts":{"joined":7,"left":"x"}}"#,
                #"{"/dmadev/groups":[\#(group(0, 2)),\#(group(1, 5)),{},3]}"#,
            ]))
        let text = try exposition(MetricsCollector(configuration))
        #expect(text["dmadev_access_group_members"].map { $0.labels["device"] } == ["0", "1"])
        #expect(text["dmadev_access_group_members"].map(\.value) == [2, 5])
        #expect(text["dmadev_access_group_events_total"].map { $0.labels["event"] } == ["joined"])
        #expect(text.value("dmadev_access_group_events_total", ["prefix": "groups"]) == 7)
        _ = peer
    }

    @Test func aProcessWithoutDevicesIsASource() throws {
        let peer = try peer("other", Self.answering([#"{"/":["/","/info","/help"]}"#]))
        let text = try exposition(MetricsCollector(configuration))
        #expect(text.value("dmascope_scrape_success", ["prefix": "other"]) == 1)
        #expect(text.samples.allSatisfy { !$0.name.hasPrefix("dmadev_") })
        _ = peer
    }
}
