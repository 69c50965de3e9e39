import DMADev
import Testing

/// The two completion calls.
let pollingCases: [ConformanceCase] = [
    ConformanceCase("reports 0xFFFF as last index after a start", movesData: false, reportsNoIndex),
    ConformanceCase("reports the last index of either call", reportsLastIndex),
    ConformanceCase("reports no more than asked for", reportsAsManyAsAsked),
    ConformanceCase("stops before the first failure", needs: .handlesErrors, stopsBeforeFailure),
    ConformanceCase("tells of a failure within the asked number only", needs: .handlesErrors, tellsWithinAsked),
    ConformanceCase("tells of a failure until its status is taken", needs: .handlesErrors, tellsUntilTaken),
]

private func reportsNoIndex(_ bench: ConformanceBench) throws {
    let channel = try bench.channel()
    for _ in 0..<2 {
        for asked in [0, 1, UInt16.max] {
            #expect(try channel.completed(upTo: asked) == completions(0, last: 0xFFFF))
        }
        var statuses = [CompletionStatus.unknown, .unknown]
        let found = try statuses.withUnsafeMutableBufferPointer { buffer in try channel.completedStatus(into: buffer) }
        #expect(found == completions(0, last: 0xFFFF))
        #expect(statuses == [.unknown, .unknown])
        try bench.device.stop()
        try bench.device.start()
    }
}

private func completions(_ count: Int, last: RingIndex, hasError: Bool = false) -> Reported {
    Reported(count: count, lastIndex: last, hasError: hasError)
}

/// What either call reported.
private struct Reported: Equatable, CustomStringConvertible {
    let count: Int
    let lastIndex: RingIndex
    let hasError: Bool

    static func == (found: VirtualChannel.Completions, expected: Reported) -> Bool {
        Reported(count: found.count, lastIndex: found.lastIndex, hasError: found.hasError) == expected
    }

    var description: String { "\(count) completions, last \(lastIndex)\(hasError ? ", error" : "")" }
}

private func reportsLastIndex(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), bench.burst(upTo: 6))
    let slab = bench.slab(count)
    for round in 0..<20 {
        for slot in 0..<count { try slab.enqueue(slot, on: channel, flags: .submit) }
        try channel.waitUntilIdle()
        for slot in 0..<count {
            let last = RingIndex(round * count + slot)
            if (round + slot) % 2 == 0 {
                #expect(try channel.completed(upTo: 1) == completions(1, last: last))
                #expect(try channel.completed(upTo: 0) == completions(0, last: last))
            } else {
                var status = CompletionStatus.unknown
                let found = try withUnsafeMutablePointer(to: &status) {
                    try channel.completedStatus(into: UnsafeMutableBufferPointer(start: $0, count: 1))
                }
                #expect(found == completions(1, last: last))
                #expect(status == .successful)
            }
        }
        #expect(try channel.completed(upTo: .max) == completions(0, last: RingIndex((round + 1) * count - 1)))
    }
}

private func reportsAsManyAsAsked(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), Int(bench.descriptorCount))
    let slab = bench.slab(count)
    for slot in 0..<count { try slab.enqueue(slot, on: channel) }
    try channel.submit()
    try channel.waitUntilIdle()
    var (left, asked) = (count, 1)
    while left > 0 {
        let found =
            asked % 2 == 0 ? try channel.pollStatuses(asked).count : try channel.completed(upTo: UInt16(asked)).count
        #expect(found == min(asked, left))
        left -= found
        asked = min(asked * 3 / 2 + 1, Int(UInt16.max))
        if found == 0 { break }
    }
    #expect(try channel.pollStatuses(1).isEmpty)
}

/// A burst with one failure, done; its place.
private func burstWithFailure(
    _ bench: ConformanceBench, on channel: VirtualChannel,
    _ body: (_ place: Int, _ count: Int, _ first: Int) throws -> Void
) throws {
    let count = bench.burst(upTo: 7)
    let slab = bench.slab(count)
    var first = 0
    for place in 0..<count {
        slab.reset()
        for slot in 0..<count {
            if slot == place {
                _ = try slab.enqueueBad(slot, BadAddress.refused, as: .destination, on: channel)
            } else {
                try slab.enqueue(slot, on: channel)
            }
        }
        try channel.submit()
        try channel.waitUntilIdle()
        try body(place, count, first)
        slab.expectWritten { $0 != place }
        first += count
    }
}

private func stopsBeforeFailure(_ bench: ConformanceBench) throws {
    let channel = try bench.channel()
    try burstWithFailure(bench, on: channel) { place, count, first throws in
        let last = RingIndex(truncatingIfNeeded: first + place - 1)
        #expect(try channel.completed(upTo: .max) == completions(place, last: last, hasError: true))
        #expect(try channel.pollStatuses(1) == [.invalidDestinationAddress])
        #expect(
            try channel.completed(upTo: .max)
                == completions(count - place - 1, last: RingIndex(first + count - 1)))
    }
}

private func tellsWithinAsked(_ bench: ConformanceBench) throws {
    let channel = try bench.channel()
    try burstWithFailure(bench, on: channel) { place, count, first throws in
        let last = RingIndex(truncatingIfNeeded: first + place - 1)
        #expect(try channel.completed(upTo: UInt16(place)) == completions(place, last: last))
        #expect(try channel.completed(upTo: 0) == completions(0, last: last))
        #expect(try channel.completed(upTo: 1) == completions(0, last: last, hasError: true))
        #expect(try channel.pollStatuses(count).count == count - place)
    }
}

private func tellsUntilTaken(_ bench: ConformanceBench) throws {
    let channel = try bench.channel()
    try burstWithFailure(bench, on: channel) { place, count, first throws in
        try channel.successes(place)
        let capacity = try channel.burstCapacity
        for _ in 0..<3 { #expect(try channel.completed(upTo: .max).hasError) }
        #expect(try channel.burstCapacity == capacity)
        let rest = try channel.pollStatuses(count)
        #expect(rest == [.invalidDestinationAddress] + Array(repeating: .successful, count: count - place - 1))
        #expect(try !channel.completed(upTo: .max).hasError)
    }
}
