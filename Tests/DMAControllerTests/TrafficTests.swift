import CDMADev
import ControllerProtocol
import DMAController
import DMADev
import DMAEngine
import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// What the controller tells of each connection: its own counts, and what it only was told.
@Suite struct TrafficTests {
    private let directory: TemporaryDirectory
    private let controller: DMAController

    init() throws {
        directory = try TemporaryDirectory()
        controller = try DMAController.start(path: directory.file("control"))
    }

    private func connection(_ number: Int = 0) throws -> ControllerReport.Connection {
        let connections = controller.report().connections
        return try #require(connections.indices.contains(number) ? connections[number] : nil)
    }

    @Test func whoIsConnectedIsToldAndWhatWasRefused() throws {
        let peer = try RawPeer.greeted(controller.path)
        let token = Array<UInt8>(201...216)
        let made = try #require(
            try peer.ask(
                EnterGroup(group: -1, limit: 4, domain: Array(1...16), token: token, device: 7), for: GroupEntered.self)
        )
        let stranger = try RawPeer.greeted(controller.path)
        #expect(
            try stranger.ask(
                EnterGroup(group: made.group, limit: 0, domain: Array(2...17), token: Array(2...17)),
                for: GroupEntered.self) == nil)
        #expect(stranger.refusal?.errno == EACCES)

        let report = controller.report()
        #expect(report.connections.map(\.processID) == [getpid(), getpid()])
        #expect(report.connections.map(\.userID) == [geteuid(), geteuid()])
        #expect(report.connections[0].domains.map(\.bytes) == [Array(1...16)])
        #expect(report.connections.map(\.groups) == [[made.group], []])
        #expect(try connection(0)["denied_joins"] == 0 && connection(1)["denied_joins"] == 1)
        #expect(report["denied_joins"] == 1 && report["refused_requests"] == 1 && report["connections"] == 2)
        #expect(report.groups.map(\.id) == [made.group] && report.path == controller.path)
        #expect(report.groups[0].members.map(\.devices) == [[7]])
        #expect(report.members.map(\.handler) == [made.handler])
        // Never a token, wherever one looks.
        var text = ""
        dump(report, to: &text)
        #expect(
            zip(token, token.dropFirst()).allSatisfy {
                !text.contains("\($0), \($1)") && !"\(report)".contains("\($0), \($1)")
            })
    }

    @Test func aPeerWhoseOperationsDoNotMoveIsSeen() throws {
        let peer = try RawPeer.greeted(controller.path)
        let faults = AttachRing.Faults(before: 0, isHalted: false, delay: 0, freeze: 2, halt: 0, failures: [])
        let request = AttachRing(vchan: 0, descriptorCount: 64, maximumEntryCount: 4, faults: faults)
        let ring = try #require(try peer.startRing(request))
        #expect(try connection()["oldest_ns"] == 0 && connection()["last_completion_ns"] == nil)
        // Two operations that nobody knows: the first is refused, the second never begins.
        ring.descriptors[0].flags = UInt8(DMADEV_DESC_BATCH_FIRST)
        ring.doorbellTimes[0] = Ticks.now
        ring.producerPage.member(\.tail).storeReleasing(2)
        EventDescriptor.signal(peer.descriptors[0])
        try eventually("one has ended") { try connection()["last_completion_ns"] ?? 0 > 0 }
        let (oldest, last) = try (connection()["oldest_ns"] ?? 0, connection()["last_completion_ns"] ?? 0)
        #expect(oldest > 0)
        try eventually("both ages grow") {
            let row = try connection()
            return row["oldest_ns"] ?? 0 > oldest && row["last_completion_ns"] ?? 0 > last
        }
        // A time in the future, or none, is the application's own loss.
        ring.descriptors[1].flags = UInt8(DMADEV_DESC_BATCH_FIRST)
        ring.doorbellTimes[1] = .max
        #expect(try connection()["oldest_ns"] == 0)
    }

    @Test func whatAnApplicationClaimsOnlyGrows() throws {
        let peer = try RawPeer.greeted(controller.path)
        let request = AttachRing(vchan: 0, descriptorCount: 64, maximumEntryCount: 4)
        let ring = try #require(try peer.startRing(request))
        let counters = ring.applicationCounters
        counters.pointee.submitted = 1000
        counters.pointee.doorbells = .max
        counters.pointee.rejected = 5
        #expect(try connection()["claimed_submitted"] == 1000)
        counters.pointee.submitted = 10
        counters.pointee.doorbells = 0
        counters.pointee.rejected = 6
        let row = try connection()
        #expect(row["claimed_submitted"] == 1000 && row["claimed_doorbells"] == .max)
        #expect(row["claimed_rejected_enqueues"] == 6)
        // Nothing of it has come into the controller's own counts.
        #expect(row["operations"] == 0 && row["bytes"] == 0)
        // A ring that is gone has claimed what it has claimed, and a new one claims on top of it, without running over.
        _ = try peer.ask(StopRings(), for: Done.self)
        #expect(try connection()["claimed_submitted"] == 1000)
        let again = try #require(try peer.startRing(request))
        let more = again.applicationCounters
        more.pointee.submitted = 1
        more.pointee.doorbells = 1
        #expect(try connection()["claimed_submitted"] == 1001 && connection()["claimed_doorbells"] == .max)
    }

    @Test func aControllerThatHasEndedTellsItsLastReport() throws {
        let peer = try RawPeer.greeted(controller.path)
        #expect(controller.report().connections.count == 1)
        controller.stop()
        let last = controller.report()
        #expect(last.connections.isEmpty && last["accepted"] == 1 && last["closed"] == 1)
        #expect(peer.isEnded)
    }

    @Test func manyMayAskAtOnce() async throws {
        let peer = try RawPeer.greeted(controller.path)
        let controller = controller
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<200).allSatisfy { _ in controller.report().connections.count == 1 } }
            }
            for await isRight in group { #expect(isRight) }
        }
        peer.closeDescriptors()
    }
}

extension ControllerReport {
    subscript(name: String) -> UInt64? { figures.first { $0.name == name }?.value }
}

extension ControllerReport.Connection {
    subscript(name: String) -> UInt64? { figures.first { $0.name == name }?.value }
}
