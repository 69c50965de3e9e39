import CDMADev
import DMADev
import LinuxSystem
import Synchronization
import TestSupport
import Testing

@testable import DMAEngine

/// Which rings an engine serves when several have work all the time.
@Suite struct EngineTurnsTests {
    /// Rings with work that lasts much longer than what is measured.
    private static let descriptorCount = 4096
    private static let length = 65536
    /// The operations of the first ring until the others are looked at.
    private static let measured = 3000

    private enum Work {
        case copies
        /// Each of them fails, moves no byte, and costs the engine more than a copy.
        case faults
    }

    /// What the engine has done when the first ring has finished the measured operations; read by its thread, so that no
    /// delay of a test's thread counts.
    private struct Picture {
        var finished: [UInt64] = []
        var busyNanoseconds: UInt64 = 0
    }

    // The rings do not change from the first doorbell until the picture is taken.
    private final class Rings: @unchecked Sendable {
        let engine: Engine
        private let memory: UnsafeMutableRawPointer
        private var rings: [TestRing] = []
        private let isOpen = Atomic(false)
        private let taken = Locked<Picture?>(nil)

        init() throws {
            engine = try Engine()
            memory = .allocate(byteCount: 2 * length, alignment: 64)
            memory.initializeMemory(as: UInt8.self, repeating: 7, count: 2 * length)
        }

        deinit { memory.deallocate() }

        private var address: UInt64 { UInt64(UInt(bitPattern: memory)) }

        /// Adds a ring, full of operations without a doorbell.
        func add(
            tenant: UInt64, connection: UInt64, priority: UInt16 = 0, isGlobal: Bool = false, _ work: Work = .copies
        ) throws {
            let isFirst = rings.isEmpty
            let ring = try TestRing(engine: engine, descriptorCount: descriptorCount) { configuration in
                configuration.peer = EngineRing.Peer(processID: 1, connection: connection, tenant: tenant)
                configuration.priority = priority
                configuration.hasGlobalPriority = isGlobal
                // The first operation holds up the engine until all doorbells have rung.
                if isFirst { configuration.giveBack = { [unowned self] in reached(isEnd: $0 != address) } }
            }
            for number in 0..<descriptorCount - 1 {
                let isMark = isFirst && (number == 0 || number == measured)
                let source = address + (isMark && number > 0 ? 1 : 0)
                let result = ring.producer.enqueueCopy(
                    work == .faults ? 4096 : source, address + UInt64(length), length: UInt32(length) - 1,
                    flags: isMark ? UInt64(DMADEV_DESC_AUTO_FREE) : 0)
                #expect(result == number)
            }
            rings.append(ring)
        }

        private func reached(isEnd: Bool) {
            if isEnd {
                let finished = rings.map(\.statistics.completed)
                taken.withLock { $0 = Picture(finished: finished, busyNanoseconds: engine.report.busyNanoseconds) }
            } else {
                while !isOpen.load(ordering: .acquiring) { relaxProcessor() }
            }
        }

        /// Rings all doorbells.
        func picture() -> Picture {
            for ring in rings { ring.producer.submit() }
            isOpen.store(true, ordering: .releasing)
            while true {
                if let picture = taken.withLock({ $0 }) { return picture }
            }
        }

        /// Ends the work of all rings but the first, in any order.
        func retireOthers() {
            for ring in rings.dropFirst().shuffled() { ring.retire() }
            rings = [rings[0]]
        }

        /// Ends all work. The last operations are aborted.
        func end() {
            for ring in rings { ring.retire() }
            rings = []
        }
    }

    @Test("A tenant with 40 rings has as much as a tenant with one", arguments: [UInt16(0), 3])
    func tenants(priority: UInt16) throws {
        let rings = try Rings()
        defer { rings.end() }
        // Its priority is lower than that of the others: it orders one tenant's rings only.
        try rings.add(tenant: 1, connection: 1, priority: priority)
        for number in 0..<40 { try rings.add(tenant: 2, connection: 2 + UInt64(number) / 10) }
        let others = rings.picture().finished.dropFirst().reduce(0, +)
        // One step of each ring after the other would give them 40 times as much.
        #expect(others > 0 && others < 3 * UInt64(Self.measured))
    }

    @Test("The connections of a tenant take turns, and so do the rings of a connection")
    func connections() throws {
        let rings = try Rings()
        defer { rings.end() }
        try rings.add(tenant: 1, connection: 1)
        for _ in 0..<20 { try rings.add(tenant: 1, connection: 2) }
        let others = rings.picture().finished.dropFirst()
        let (most, least) = (try #require(others.max()), try #require(others.min()))
        #expect(most > 0 && others.reduce(0, +) < 3 * UInt64(Self.measured))
        // A step is at most 256 KiB, and the last operation of a step can be longer.
        #expect(most - least <= UInt64(256 * 1024 / Self.length + 1))
    }

    @Test("Operations that fail are charged for the time that they cost")
    func failures() throws {
        // There a fault takes longer than the longest step that is charged.
        guard !ThreadSanitizer.isActive else { return }
        func busy(besides other: Work?) throws -> UInt64 {
            let rings = try Rings()
            defer { rings.end() }
            try rings.add(tenant: 1, connection: 1)
            if let other {
                for _ in 0..<40 { try rings.add(tenant: 2, connection: 2, other) }
            }
            let before = rings.engine.report.busyNanoseconds
            return rings.picture().busyNanoseconds - before
        }
        let alone = try busy(besides: nil)
        // With a turn of one step for each ring it would be more than 100 times as long.
        #expect(try busy(besides: .faults) < 10 * alone)
    }

    @Test(
        "Priorities are strict within a tenant, and over all tenants where that is granted", arguments: [false, true])
    func priorities(areGlobal: Bool) throws {
        let rings = try Rings()
        defer { rings.end() }
        try rings.add(tenant: 1, connection: 1, priority: 1, isGlobal: areGlobal)
        try rings.add(tenant: areGlobal ? 2 : 1, connection: 2, priority: 2, isGlobal: areGlobal)
        #expect(rings.picture().finished[1] == 0)
    }

    @Test("A tenant whose rings have ended leaves nothing in the turns of the others")
    func removal() throws {
        let rings = try Rings()
        defer { rings.end() }
        try rings.add(tenant: 1, connection: 1)
        for number in 0..<64 { try rings.add(tenant: 2 + UInt64(number) % 3, connection: UInt64(number / 6)) }
        _ = rings.picture()
        rings.retireOthers()
        #expect(rings.engine.report.rings == 1)
    }
}
