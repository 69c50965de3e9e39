import Foundation
import LinuxSystem
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

@testable import TelemetryServer

@Suite struct AccessTests {
    @Test func theHighestRightOfAPeerCounts() throws {
        let access = TelemetryAccess(rights: [.user(10): .read, .group(20): .reset, .group(30): .control])
        func right(_ user: UInt32, _ group: UInt32, _ groups: [UInt32] = []) throws -> TelemetryRight? {
            access.right(of: PeerCredentials(pid: 1, uid: user, gid: group), ownUser: 5, groups: groups)
        }
        #expect(try right(0, 0) == .control && right(5, 99) == .control)
        #expect(try right(10, 99) == .read && right(11, 99) == nil)
        #expect(try right(10, 20) == .reset && right(11, 20) == .reset)
        #expect(try right(10, 20, [1, 30]) == .control && right(11, 99, [20, 2]) == .reset)
        #expect(
            TelemetryRight.allCases == [.read, .reset, .control]
                && TelemetryRight.allCases.sorted() == TelemetryRight.allCases)
    }

    @Test func theMonitorIsKnownByItsName() throws {
        let directory = try TemporaryDirectory()
        let file = directory.file("passwd")
        let long = "long:x:7:7:" + String(repeating: "x", count: 100) + ":/:/bin/sh"
        let lines = ["root:x:0:0:root:/root:/bin/sh", long, "dmascope-monitor:x:998:998::/:/bin/false", ""]
        try lines.joined(separator: "\n").write(toFile: file, atomically: false, encoding: .utf8)
        #expect(MonitorUser.matches(998, in: file) && !MonitorUser.matches(7, in: file))
        #expect(!MonitorUser.matches(998, in: directory.file("none")))
    }

    @Test func theGroupsOfAPeerAreReadFromTheKernel() throws {
        let pair = try SequencedPacketSocket.pair()
        var groups = [gid_t](repeating: 0, count: 65536)
        let count = try #require(Optional(getgroups(CInt(groups.count), &groups)).flatMap { $0 < 0 ? nil : $0 })
        #expect(try Set(PeerCredentials.supplementaryGroups(of: pair.first)) == Set(groups.prefix(Int(count))))
    }

    @Test func aReplyOfACommandWithARightIsNeverCached() throws {
        let test = try TestServer([
            TelemetryCommand(path: "/reset", help: "", right: .reset, generation: { 0 }) { _ in JSONValue(1) }
        ])
        let client = try test.connect()
        for _ in 0..<3 { #expect(client.ask("/reset") == #"{"/reset":1}"#) }
        let statistics = try #require(client.value("/telemetry/stats"))
        #expect(statistics["cached"]?.integer == 0)
        #expect(
            statistics["privileged_requests"] == .object([.init("reset", .integer(3)), .init("control", .integer(0))]))
        let row = try #require(client.value("/telemetry/clients")?["clients"]?[0])
        #expect(row["right"]?.string == "control" && row["privileged_requests"]?.integer == 3)
    }

    @Test func oneUserCannotHideWhatAnotherOneDoes() {
        var log = PrivilegeLog()
        let now = MonotonicTime(nanoseconds: 1_000_000_000_000)
        #expect(log.admit(1, "/a", isPermitted: true, at: now) == 0)
        for _ in 0..<5 { #expect(log.admit(1, "/a", isPermitted: true, at: now) == nil) }
        #expect(
            log.admit(2, "/a", isPermitted: true, at: now) == 0 && log.admit(1, "/b", isPermitted: true, at: now) == 0)
        #expect(log.admit(1, "/a", isPermitted: false, at: now) == 0)
        #expect(log.admit(1, "/a", isPermitted: true, at: now.advanced(by: .seconds(10))) == 5)
    }
}
