import DMADev
import TestSupport
import Testing

/// Stop and start while operations are under way.
let inFlightCases: [ConformanceCase] = [
    ConformanceCase("cuts no operation when it is stopped, and counts each", stopsInFlight)
]

private func stopsInFlight(_ bench: ConformanceBench) throws {
    let (device, channels, count) = (bench.device, try bench.channels(), bench.burst(upTo: 12))
    let kinds = Slab.Kind.offered(by: bench.properties.capabilities)
    let slabs = channels.map { _ in Slab(slots: count, kinds: kinds, size: 30_000) }
    var random = SeededGenerator(for: "stopping in flight")
    var before = channels.map { device.view.counters(of: $0.index) ?? ChannelCounters() }
    for round in 1...20 as ClosedRange<UInt64> {
        slabs.forEach { $0.reset() }
        let pending = Int(random.next() % 3)
        for (channel, slab) in zip(channels, slabs) {
            for slot in 0..<count {
                if slot + pending == count { try channel.submit() }
                try slab.enqueue(slot, on: channel)
            }
            if pending == 0 { try channel.submit() }
            if round % 2 == 0, count > pending {
                try channel.successes(1 + Int(random.next() % UInt64(count - pending)))
            }
        }
        try device.stop()
        for (number, slab) in slabs.enumerated() {
            let written = (0..<count).map(slab.isWritten)
            let done = written.prefix { $0 == true }.count
            #expect(written.dropFirst(done).allSatisfy { $0 == false }, "cut or out of order: \(written)")
            let rung = max(0, count - pending)
            #expect(done <= rung)
            guard let now = device.view.counters(of: channels[number].index) else { continue }
            #expect(now.statistics.submitted == before[number].statistics.submitted + UInt64(rung))
            #expect(now.statistics.completed == now.statistics.submitted)
            #expect(now.statistics.errors == before[number].statistics.errors + UInt64(rung - done))
            let successes = { (details: ChannelCounters) in details.statuses[.successful, default: 0] }
            #expect(successes(now) - successes(before[number]) == UInt64(done))
            #expect(now.latency.count == now.statistics.completed)
            before[number] = now
        }
        try device.start()
        for (channel, slab) in zip(channels, slabs) {
            slab.reset()
            #expect(try slab.enqueue(0, on: channel, flags: [.fence, .submit]) == 0)
            try channel.successes(1)
            slab.expectWritten { $0 == 0 }
            before[Int(channel.index)] = device.view.counters(of: channel.index) ?? ChannelCounters()
        }
    }
}
