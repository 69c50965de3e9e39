import MetricsTestSupport
import TestSupport
import Testing

/// What metrics tell of a controller, its access groups, and those who use them.
@Suite struct GroupMetricsTests {
    @Test func groupsAreCountedAsBothSidesSeeThem() throws {
        let scene = try LiveScene()
        let curl = try requiredTool("curl", package: "curl")
        let page = try outputOfProgram(curl, ["-sS", "--noproxy", "*", "http://\(scene.address)/metrics"])
        #expect(try MetricsReaders.promtoolComplaints(page) == "")
        let text = try Exposition(page)
        for (name, value) in [
            ("connections", 2), ("rings", 2), ("access_groups", 1), ("access_group_members", 2), ("joins_total", 1),
            ("denied_joins_total", 1), ("accepted_connections_total", 2), ("closed_connections_total", 0),
            ("refused_connections_total", 0), ("refused_requests_total", 1), ("invalid_messages_total", 0),
        ] {
            #expect(text.value("dmadev_controller_" + name, ["prefix": "dmascope"]) == Double(value), "\(name)")
        }
        #expect(try #require(text.value("dmadev_controller_windows")) >= 1)
        for prefix in ["creator", "joiner"] {
            let labels = ["prefix": prefix, "kind": "group", "group": "0", "device": "0"]
            #expect(text.value("dmadev_access_groups", ["prefix": prefix]) == 1, "\(prefix)")
            #expect(text.value("dmadev_access_group_members", labels) == 2, "\(prefix)")
            #expect(text.value("dmadev_access_group_members_limit", labels) == 64, "\(prefix)")
        }
        // The controller reports the same group.
        #expect(text.value("dmadev_access_groups", ["prefix": "dmascope"]) == 1)
        #expect(text.value("dmadev_failed_calls_total", ["prefix": "joiner"]) == 1)
        // The controller has counted all events, whether or not a member received them.
        for (event, count) in [("created", 1), ("joined", 1), ("denied", 1), ("window_opened", 1), ("died", 0)] {
            let labels = ["prefix": "dmascope", "event": event]
            #expect(text.value("dmadev_access_group_events_total", labels) == Double(count), "\(event)")
        }
        let received = text.value("dmadev_access_group_events_total", ["prefix": "creator", "event": "joined"])
        #expect(received == 1)
    }
}
