import CDMADev
import CDMATrace
import CLinux
import DMADev
import Testing

@testable import DMAEngine

/// Which events the fast path does without.
@Suite struct RunTracingTests {
    /// The events that end the fast path.
    private static let perOperation: Set = ["operation_start", "operation_finish"]

    /// What the fast path executes of eight copies, the last of which fails, while these events are recorded. No session
    /// is needed: the events' state words say so.
    private func executed(recording events: [String]) throws -> UInt64 {
        dmatrace_load()
        // The first engine of a process does it; this test makes none.
        try #require(clinux_guard_install() == 0)
        let memory = try #require(RingMemory(layout: RingLayout(descriptorCount: 8, maximumEntries: 0)))
        var consumer = RingConsumer(
            memory: memory, owner: RingConsumer.Owner(engine: 0, ring: 1, device: 0, vchan: 0),
            spaces: AddressSpaces(source: AddressTranslation(.process), destination: AddressTranslation(.process)))
        defer { consumer.deallocate() }
        let words = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: 2)
        defer { words.deallocate() }
        words.initialize(repeating: 7)
        let address = UInt64(UInt(bitPattern: words.baseAddress))
        for slot in 0..<8 {
            memory.descriptors[slot] = dmadev_descriptor(
                src: slot < 7 ? address : 4096, dst: address + 8, length: 8, kind: UInt8(DMADEV_KIND_COPY),
                flags: UInt8(slot == 0 ? DMADEV_DESC_BATCH_FIRST : 0), nb_src: 0, nb_dst: 0, src_handler: 0,
                dst_handler: 0, reserved: 0)
        }
        var count = 0
        let all = UnsafeBufferPointer(start: dmatrace_events(&count), count: count)
        let recorded = all.filter { events.contains(String(cString: $0.name)) }.map {
            UnsafeMutablePointer(mutating: $0.tracepoint)
        }
        try #require(recorded.count == events.count)
        // Another test may record the programs of this user, which this one is.
        let tracepoints = all.filter { Self.perOperation.contains(String(cString: $0.name)) }.map {
            UnsafeMutablePointer(mutating: $0.tracepoint)
        }
        let states = tracepoints.map(\.pointee.state)
        defer { for (word, state) in zip(tracepoints, states) { word.pointee.state = state } }
        for word in tracepoints { word.pointee.state = 0 }
        for event in recorded { event.pointee.state = 1 }
        var budget = RingConsumer.chunk
        let done = consumer.executeRun(atMost: 8, budget: &budget)
        #expect(done == 0 || memory.statuses[7] == UInt16(DMADEV_STATUS_INVALID_SRC_ADDR.rawValue))
        return done
    }

    @Test("A failure that is recorded, and bursts, leave the fast path; an event for each operation ends it")
    func fastPath() throws {
        #expect(try executed(recording: []) == 8)
        #expect(try executed(recording: ["operation_failed", "completed_burst"]) == 8)
        #expect(try executed(recording: ["operation_start"]) == 0)
        #expect(try executed(recording: ["operation_finish"]) == 0)
    }
}
