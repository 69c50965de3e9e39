import ControllerProtocol
import DMAController
import DMADev
import DMATelemetry
import Glibc
import LinuxSystem
import Logging
import TelemetryWire
import TestSupport
import Testing

/// What one tenant costs another one: work is in proportion to the change, tenants take turns, and nobody waits for the
/// control thread who only wants to read.
@Suite struct TenantTests {
    private let directory: TemporaryDirectory
    private let token = [UInt8](repeating: 0x3C, count: 16)

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func start(_ logger: Logger? = nil) throws -> DMAController {
        var configuration = ControllerConfiguration()
        configuration.quota.connections = 400
        configuration.socketMode = 0o666
        return try DMAController.start(
            path: directory.file("control"), configuration: configuration, logger: logger)
    }

    private func domain(_ number: Int) -> [UInt8] {
        [UInt8(truncatingIfNeeded: number), UInt8(number / 256)] + [UInt8](repeating: 1, count: 14)
    }

    private func enter(_ peer: RawPeer, _ group: Int16 = -1, as number: Int) throws -> GroupEntered {
        let request = EnterGroup(group: group, limit: group < 0 ? 300 : 0, domain: domain(number), token: token)
        return try #require(try peer.ask(request, for: GroupEntered.self))
    }

    /// Peers that are all in one new group.
    private func members(_ count: Int, _ controller: DMAController) throws -> (peers: [RawPeer], group: Int16) {
        let peers = try (0..<count).map { _ in try RawPeer.greeted(controller.path) }
        let group = try enter(peers[0], as: 0).group
        for (number, peer) in peers.enumerated().dropFirst() { _ = try enter(peer, group, as: number) }
        return (peers, group)
    }

    // MARK: Work in proportion

    private struct Cost: Equatable {
        var maps: UInt64
        var points: UInt64
        var bytes: UInt64
    }

    /// What a change costs, counted when nothing of it is left to do.
    private func cost(_ controller: DMAController, by peer: RawPeer, _ change: () throws -> Void) throws -> Cost {
        func settled() throws -> ControllerStatistics {
            // Answered after a quiescent point, which is not requested before those of earlier changes.
            #expect(try peer.ask(StopRings(), for: Done.self) != nil)
            return controller.statistics
        }
        let before = try settled()
        try change()
        let after = try settled()
        return Cost(
            maps: after.publishedMaps - before.publishedMaps,
            // One point is that of the last question.
            points: after.quiescentPoints - before.quiescentPoints - 1, bytes: after.rebuiltBytes - before.rebuiltBytes)
    }

    @Test func aChangeCostsTheMapsOfItsGroupAndOneQuiescentPoint() throws {
        let controller = try start()
        let (large, group) = try members(239, controller)
        let (small, other) = try members(3, controller)
        let bystander = try RawPeer.greeted(controller.path)
        let last = try RawPeer.greeted(controller.path)
        let join = try cost(controller, by: bystander) { _ = try enter(last, group, as: 239) }
        #expect(join.maps == 240 && join.points == 1)
        #expect(last.members.count == 240)
        var iova: UInt64 = 0
        let file = try sealedPages(1)
        let open = try cost(controller, by: bystander) {
            let request = OpenWindow(group: other, rights: 3, offset: 0, byteCount: 4096)
            iova = try #require(try small[0].ask(request, [file.raw], for: WindowOpened.self)).iova
        }
        #expect(open.maps == 3 && open.points == 1)
        #expect(open.bytes > 0 && open.bytes * 20 < join.bytes)
        let close = try cost(controller, by: bystander) {
            _ = try #require(try small[0].ask(CloseWindow(iova: iova), for: Done.self))
        }
        #expect(close.maps == 3 && close.points == 1 && close.bytes < open.bytes)
        let leave = try cost(controller, by: bystander) {
            _ = try #require(try last.ask(ExitGroup(group: group, destroys: false), for: Done.self))
        }
        #expect(leave.maps == 240 && leave.points == 1)
        // Requests that change no group.
        let none = try cost(controller, by: bystander) {
            _ = try bystander.ask(CheckHandler(handler: 9), for: Done.self)
        }
        #expect(none == Cost(maps: 0, points: 0, bytes: 0))
        withExtendedLifetime((large, small)) {}
    }

    // MARK: Readers

    /// Holds the control thread up in the log message about something.
    private final class Gate: Sendable {
        struct State {
            var held: String?
            var isHeld = false
            var notes: [UInt64] = []
            var controller: DMAController?
        }

        let state = Locked(State())

        /// The control thread stays in the next message that begins so until ``open()``.
        func close(at message: String) { state.withLock { $0.held = message } }

        func open() { state.withLock { $0.held = nil } }

        func pass(_ message: String) {
            if message.hasPrefix("an application disconnected") {
                let controller = state.withLock { $0.controller }
                let refused = controller?.statistics.refusedRequests ?? 0
                state.withLock { $0.notes.append(refused) }
            }
            while state.withLock({ state in
                let isHeld = state.held.map { message.hasPrefix($0) } ?? false
                state.isHeld = isHeld
                return isHeld
            }) { sched_yield() }
        }
    }

    private struct Handler: LogHandler {
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]
        let gate: Gate

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { gate.pass("\(event.message)") }
    }

    private func start(_ gate: Gate) throws -> DMAController {
        let controller = try start(Logger(label: "test") { _ in Handler(gate: gate) })
        gate.state.withLock { $0.controller = controller }
        return controller
    }

    @Test func whoReadsDoesNotWaitForTheControlThread() throws {
        let gate = Gate()
        let controller = try start(gate)
        defer {
            gate.open()
            gate.state.withLock { $0.controller = nil }
        }
        let (peers, group) = try members(2, controller)
        gate.close(at: "an application connected")
        let late = try RawPeer(controller.path)
        try eventually("the control thread is held up") { gate.state.withLock { $0.isHeld } }
        // All of this would hang.
        let commands = DeviceCommands.table(for: DeviceRegistry(), controller: controller)
        for path in [
            "/controller/info", "/controller/peers", "/controller/domains", "/dmadev/groups", "/dmadev/engines",
        ] {
            let command = try #require(commands.first { $0.path == path })
            let reply = try command.handler(TelemetryRequest(path)).tree
            if path == "/controller/info" {
                #expect(reply["connections"]?.integer == 2 && reply["members"]?.integer == 2)
            }
        }
        let report = controller.report()
        #expect(report.groups.map(\.id) == [group] && report.connections.count == 2)
        #expect(controller.statistics.groups == 1)
        #expect(gate.state.withLock { $0.isHeld })
        gate.open()
        try eventually("it is counted") { controller.statistics.connections == 3 }
        withExtendedLifetime((peers, late)) {}
    }

    // MARK: Turns

    @Test(.enabled(if: geteuid() == 0, "only the superuser becomes another user"))
    func aFloodOfOneTenantDoesNotDelayAnother() throws {
        let gate = Gate()
        // The way to the socket; who may connect is said by the socket itself.
        chmod(directory.path, 0o711)
        let controller = try start(gate)
        defer {
            gate.open()
            gate.state.withLock { $0.controller = nil }
        }
        let victim = try MemberProcess(controller.path, as: (1, 54321))
        let flood = try (0..<200).map { _ in try RawPeer.greeted(controller.path) }
        gate.close(at: "an application connected")
        let late = try RawPeer(controller.path)
        try eventually("the control thread is held up") { gate.state.withLock { $0.isHeld } }
        // All of the flood comes first.
        for number in 1...8 as ClosedRange<UInt32> {
            for peer in flood {
                #expect(peer.send(Packet.encode(UnregisterMemory(iova: 1), sequence: number + 1)))
            }
        }
        try victim.kill()
        gate.open()
        try eventually("all is answered") { controller.statistics.refusedRequests == 1600 }
        let note = try eventually("the other one has been served") { gate.state.withLock { $0.notes.first } }
        // One request of the flood for each step of the other one, and some during the quiescent point.
        #expect(note < 800)
        withExtendedLifetime(late) {}
    }

    // MARK: Guesses

    @Test func theRightTokenIsAnsweredHoweverManyWrongOnesWait() throws {
        let controller = try start()
        let owner = try RawPeer.greeted(controller.path)
        let group = try enter(owner, as: 1).group
        let guessers = try (0..<100).map { _ in try RawPeer.greeted(controller.path) }
        let wrong = EnterGroup(group: group, limit: 0, domain: domain(2), token: [UInt8](repeating: 1, count: 16))
        // Until the wait is the longest.
        for _ in 0..<9 { #expect(try guessers[0].ask(wrong, for: GroupEntered.self) == nil) }
        let start = MonotonicTime.now
        for peer in guessers { #expect(peer.send(Packet.encode(wrong, sequence: 99))) }
        let right = try RawPeer.greeted(controller.path)
        let request = EnterGroup(group: group, limit: 0, domain: domain(3), token: token)
        let isJoined = Locked(false)
        // What an exchange takes without any wait, at worst, meanwhile.
        var longest: UInt64 = 0
        let bystander = try RawPeer.greeted(controller.path)
        let thread = try SystemThread.start(name: "right") {
            let isAnswered = (try? right.ask(request, for: GroupEntered.self)) != nil
            isJoined.withLock { $0 = isAnswered }
        }
        // Some give up: what they waited for goes to nobody.
        for peer in guessers.prefix(50) { _ = Glibc.shutdown(peer.socket.raw, CInt(SHUT_RDWR)) }
        while controller.statistics.members < 2, MonotonicTime.now.nanoseconds(since: start) < 60_000_000_000 {
            let sent = MonotonicTime.now
            _ = try bystander.ask(CheckHandler(handler: 9), for: Done.self)
            longest = max(longest, MonotonicTime.now.nanoseconds(since: sent))
        }
        let waited = MonotonicTime.now.nanoseconds(since: start)
        thread.join()
        #expect(isJoined.withLock { $0 })
        #expect(waited < 2_000_000_000 + 2 * longest, "\(waited) ns, an exchange takes \(longest)")
        // Those that stayed are all answered, once.
        for peer in guessers.dropFirst(50) {
            let answer = try Packet.decode(Failed.self, from: try #require(peer.receive()))
            #expect(answer.errno == EACCES)
        }
        #expect(controller.statistics.deniedJoins == 9 + 50)
        try eventually("who gave up is gone") { controller.statistics.connections == 53 }
    }
}
