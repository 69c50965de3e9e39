import CDMADev
import DMADev
import LinuxSystem
import Synchronization
import TestSupport
import Testing

@testable import DMAEngine

/// Memory whose accesses begin and end with calls that another thread makes, and that can fail or never return.
@Suite struct SynchronizedMemoryTests {
    /// One thread that runs what it is given, in order.
    private final class Lane: Sendable {
        private let waiting = Locked<[@Sendable () -> Void]>([])
        private let isRunning = Locked(false)

        func run(_ body: @escaping @Sendable () -> Void) {
            waiting.withLock { $0.append(body) }
            let starts = isRunning.withLock { isRunning in
                defer { isRunning = true }
                return !isRunning
            }
            guard starts else { return }
            try? SystemThread.start(name: "test-lane") { [self] in
                while true {
                    let next = waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() }
                    if let next {
                        next()
                    } else if isRunning.withLock({ isRunning in
                        guard waiting.withLock(\.isEmpty) else { return false }
                        isRunning = false
                        return true
                    }) {
                        return
                    }
                }
            }.detach()
        }
    }

    /// What the calls of one memory did, and what they are to do.
    private final class Exporter: @unchecked Sendable {
        // The memory is the engine's while an operation runs, and the test's before and after it.
        struct State {
            var calls: [String] = []
            var open = 0
            var fails = false
        }

        let state = Locked(State())
        private let stalled = Atomic(0)
        let bytes: UnsafeMutableRawBufferPointer
        let memory: SynchronizedMemory

        init(_ lane: Lane, byteCount: Int = 4096, timeout: Duration = .seconds(60)) {
            bytes = .allocate(byteCount: byteCount, alignment: 4096)
            bytes.initializeMemory(as: UInt8.self, repeating: 0)
            let holder = Locked<Exporter?>(nil)
            memory = SynchronizedMemory(
                timeout: timeout,
                calls: SynchronizedMemory.Calls(
                    run: { lane.run($0) },
                    begin: { isWrite in holder.withLock { $0 }?.call(isWrite ? "begin write" : "begin read", +1) == true
                    },
                    end: { isWrite in _ = holder.withLock { $0 }?.call(isWrite ? "end write" : "end read", -1) }))
            self.holder = holder
            holder.withLock { $0 = self }
        }

        private let holder: Locked<Exporter?>

        /// Which calls do not return: 1: begin, -1: end, 0: none.
        func stall(_ calls: Int) { stalled.store(calls, ordering: .releasing) }

        private func call(_ name: String, _ change: Int) -> Bool {
            while stalled.load(ordering: .acquiring) == change { relaxProcessor() }
            return state.withLock { state in
                state.calls.append(name)
                guard !state.fails || change < 0 else { return false }
                state.open += change
                return true
            }
        }

        /// All accesses have ended.
        var isClosed: Bool { state.withLock { $0.open == 0 } }
        var calls: [String] { state.withLock { $0.calls } }

        func free() {
            holder.withLock { $0 = nil }
            bytes.deallocate()
        }
    }

    private let engine: Engine
    private let map: IOVAMap
    private let lane = Lane()

    init() throws {
        engine = try Engine()
        map = IOVAMap(engine: engine)
    }

    private func ring() throws -> TestRing {
        try TestRing(engine: engine, descriptorCount: 64, domains: DomainMap(engine: engine)) { [map] configuration in
            configuration.source = .mapped(map)
            configuration.destination = .mapped(map)
            configuration.hasSynchronizedMemory = true
        }
    }

    private func add(_ exporter: Exporter, at iova: UInt64) {
        let address = UInt64(UInt(bitPattern: exporter.bytes.baseAddress))
        _ = map.add(
            iova: iova, byteCount: UInt64(exporter.bytes.count), address: address, synchronized: exporter.memory)
    }

    private func copy(_ ring: TestRing, from source: UInt64, to destination: UInt64, length: UInt32 = 4096) -> UInt16 {
        #expect(ring.producer.enqueueCopy(source, destination, length: length, flags: 2) >= 0)
        return ring.statuses(1)[0]
    }

    /// Of the memories whose calls stall: a busy machine may take a second for a call that returns at once.
    private let limit = Duration.seconds(3)
    private let one: UInt64 = 0x10_0000, two: UInt64 = 0x20_0000

    @Test("An access begins before the first byte moves, and has ended when the operation is complete")
    func inOrder() throws {
        let (from, to) = (Exporter(lane), Exporter(lane))
        add(from, at: one)
        add(to, at: two)
        let ring = try ring()
        from.bytes.initializeMemory(as: UInt8.self, repeating: 7)
        for _ in 0..<10 { #expect(copy(ring, from: one, to: two) == 0 && from.isClosed && to.isClosed) }
        #expect(to.bytes.allSatisfy { $0 == 7 })
        #expect(from.calls == (0..<10).flatMap { _ in ["begin read", "end read"] })
        #expect(to.calls == (0..<10).flatMap { _ in ["begin write", "end write"] })
        // Within one memory, both directions begin.
        #expect(copy(ring, from: one, to: one + 2048, length: 1024) == 0 && from.isClosed)
        #expect(ring.producer.enqueueFill(~0, two, length: 64, flags: 2) >= 0)
        #expect(ring.statuses(1) == [0])
        #expect(ring.statistics.completed == 12 && ring.statistics.errors == 0)
        ring.retire()
        from.free()
        to.free()
    }

    @Test("A call that does not return fails the operations on its memory, and delays no other ring")
    func stalledBegin() throws {
        let (stalled, good) = (Exporter(lane, timeout: limit), Exporter(Lane()))
        add(stalled, at: one)
        add(good, at: two)
        let (ring, other) = (try ring(), try ring())
        stalled.stall(1)
        #expect(ring.producer.enqueueCopy(one, two, length: 64, flags: 2) >= 0)
        var meanwhile = 0
        while !ring.isIdle {
            #expect(copy(other, from: two, to: two + 64, length: 64) == 0)
            meanwhile += 1
        }
        #expect(meanwhile > 1)
        #expect(ring.statuses(1) == [UInt16(DMADEV_STATUS_BUS_READ_ERROR.rawValue)])
        #expect(stalled.memory.isStalled)
        // At once from now on, and by side.
        for _ in 0..<1000 {
            #expect(copy(ring, from: two, to: one, length: 64) == UInt16(DMADEV_STATUS_BUS_WRITE_ERROR.rawValue))
        }
        #expect(stalled.calls.isEmpty && good.isClosed)
        stalled.stall(0)
        try eventually("the late call has returned") { !stalled.memory.isStalled }
        #expect(stalled.calls == ["begin read", "end read"] && stalled.isClosed)
        #expect(copy(ring, from: two, to: one, length: 64) == 0)
        for ring in [ring, other] { ring.retire() }
        stalled.free()
        good.free()
    }

    @Test("A call that fails, or does not return at the end, is an error of the operation")
    func failures() throws {
        let (from, to) = (Exporter(lane, timeout: limit), Exporter(Lane(), timeout: limit))
        add(from, at: one)
        add(to, at: two)
        let ring = try ring()
        to.state.withLock { $0.fails = true }
        #expect(copy(ring, from: one, to: two) == UInt16(DMADEV_STATUS_BUS_WRITE_ERROR.rawValue))
        // What had begun has ended.
        #expect(from.calls == ["begin read", "end read"] && from.isClosed && to.calls == ["begin write"])
        to.state.withLock { $0.fails = false }
        to.stall(-1)
        from.bytes.initializeMemory(as: UInt8.self, repeating: 5)
        #expect(copy(ring, from: one, to: two) == UInt16(DMADEV_STATUS_BUS_ERROR.rawValue))
        #expect(to.bytes.allSatisfy { $0 == 5 } && from.isClosed && to.memory.isStalled)
        to.stall(0)
        try eventually("the late call has returned") { !to.memory.isStalled && to.isClosed }
        #expect(copy(ring, from: one, to: two) == 0)
        ring.retire()
        from.free()
        to.free()
    }

    @Test("After memory was removed, an operation that waited for it does not access it")
    func removedMeanwhile() throws {
        let memory = Exporter(lane)
        add(memory, at: one)
        let ring = try ring()
        memory.stall(1)
        #expect(ring.producer.enqueueFill(~0, one, length: 64, flags: 2) >= 0)
        #expect(map.remove(at: one))
        memory.stall(0)
        #expect(ring.statuses(1) == [UInt16(DMADEV_STATUS_INVALID_DST_ADDR.rawValue)])
        #expect(memory.bytes.allSatisfy { $0 == 0 } && memory.isClosed)
        ring.retire()
        memory.free()
    }

    @Test("A ring ends at once while its operation waits, and the access that begins late is ended")
    func endedMeanwhile() throws {
        let memory = Exporter(lane)
        add(memory, at: one)
        let ring = try ring()
        memory.stall(1)
        for _ in 0..<2 { #expect(ring.producer.enqueueFill(~0, one, length: 64, flags: 2) >= 0) }
        // The engine has begun it, or not: both must end.
        ring.retire()
        #expect(ring.statuses(2) == [1, 1])
        #expect(!memory.memory.isStalled)
        memory.stall(0)
        lane.run {}
        try eventually("all accesses have ended") { memory.calls.count % 2 == 0 && memory.isClosed }
        #expect(memory.bytes.allSatisfy { $0 == 0 })
        memory.free()
    }

    @Test("Lists over many memories begin each of them once in each direction")
    func lists() throws {
        let memories = (0..<8).map { _ in Exporter(lane) }
        for (index, memory) in memories.enumerated() {
            add(memory, at: one + UInt64(index) * 0x1_0000)
            memory.bytes.initializeMemory(as: UInt8.self, repeating: UInt8(index + 1))
        }
        let ring = try ring()
        let sources = (0..<4).map { dmadev_sge(addr: one + UInt64($0) * 0x1_0000, length: 1000, reserved: 0) }
        let destinations = (4..<8).map { dmadev_sge(addr: one + UInt64($0) * 0x1_0000 + 96, length: 1000, reserved: 0) }
        for _ in 0..<5 {
            let index = ring.producer.enqueueCopy(
                sources, destinations, UInt16(sources.count), UInt16(destinations.count), flags: 2)
            #expect(index >= 0)
            #expect(ring.statuses(1) == [0])
        }
        for (index, memory) in memories.enumerated() {
            let side = index < 4 ? "read" : "write"
            #expect(memory.calls == (0..<5).flatMap { _ in ["begin \(side)", "end \(side)"] })
            guard index >= 4 else { continue }
            #expect(memory.bytes[96..<1096].allSatisfy { $0 == UInt8(index - 3) } && memory.bytes[95] == index + 1)
        }
        ring.retire()
        memories.forEach { $0.free() }
    }
}
