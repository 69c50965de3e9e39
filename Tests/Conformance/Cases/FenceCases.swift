import DMADev
import Testing

/// Failures within bursts, and fences.
let fenceCases: [ConformanceCase] = [
    ConformanceCase("runs a fenced operation after those before it", needs: .copy, ordersByFence),
    ConformanceCase("goes on after failures, whatever their places and fences", needs: .handlesErrors) {
        try goesOnAfterFailures($0, BadAddress.refused)
    },
    ConformanceCase("goes on after page faults, whatever their places and fences", needs: .handlesErrors, faults: true)
    {
        try goesOnAfterFailures($0, BadAddress.zero)
    },
    ConformanceCase("begins each batch clean", needs: .handlesErrors, beginsBatchesClean),
]

private func ordersByFence(_ bench: ConformanceBench) throws {
    let (channel, steps) = (try bench.channel(), bench.burst(upTo: 20))
    let memory = GuardedMemory((steps + 1) * 100)
    let first = GuardedMemory(100, seed: 9)
    for step in 0..<steps {
        let from = step == 0 ? first.address : memory.address + UInt64(step - 1) * 100
        try channel.copy(from: from, to: memory.address + UInt64(step) * 100, length: 100, flags: .fence)
    }
    try channel.submit()
    try channel.successes(steps)
    memory.expect(
        Array(repeatElement(first.bytes, count: steps).joined()) + GuardedMemory.untouched(100))
}

/// How an application takes a burst off the ring.
private enum Polling: CaseIterable {
    /// `completed` for one after the other; `completedStatus` for one where that says *error*.
    case singly
    /// `completed` for all, `completedStatus` for all the rest.
    case inBulk
    /// `completed` for all, `completedStatus` for the failed one, and so on.
    case alternately
    /// Only `completedStatus`, for all.
    case statusesOnly
    /// Only `completedStatus`, for one after the other.
    case statusesSingly

    func statuses(_ count: Int, of channel: VirtualChannel) throws -> [CompletionStatus] {
        var all: [CompletionStatus] = []
        while all.count < count {
            switch self {
            case .singly, .alternately:
                let done = try channel.completed(upTo: self == .singly ? 1 : .max)
                all += Array(repeating: .successful, count: done.count)
                if done.hasError { all += try channel.pollStatuses(1) }
                try #require(done.hasError || done.count > 0)
            case .inBulk:
                let done = try channel.completed(upTo: .max)
                all += Array(repeating: .successful, count: done.count)
                #expect(done.hasError == (all.count < count))
                all += try channel.pollStatuses(count)
            case .statusesOnly:
                all += try channel.pollStatuses(count)
                try #require(all.count == count)
            case .statusesSingly:
                all += try channel.pollStatuses(1)
                try #require(all.last != nil)
            }
        }
        return all
    }
}

private func goesOnAfterFailures(_ bench: ConformanceBench, _ badAddress: UInt64) throws {
    let (channel, count) = (try bench.channel(), bench.burst(upTo: 8))
    let slab = bench.slab(count)
    let failureSets = (0..<count).map { [$0] } + [[0, count - 1], [1, 3, 4], [2, 3], Array(0..<count)]
    let fenceSets = [[], [0], [count / 2], [count - 1], [1, 2, 5], Array(0..<count)]
    for failures in failureSets {
        for fences in fenceSets {
            for polling in Polling.allCases {
                slab.reset()
                var own: [CompletionStatus] = []
                for slot in 0..<count {
                    let flags: OperationFlags = fences.contains(slot) ? .fence : []
                    if failures.contains(slot) {
                        let side: Slab.Side = slot % 2 == 0 ? .source : .destination
                        own.append(try slab.enqueueBad(slot, badAddress, as: side, on: channel, flags: flags))
                    } else {
                        try slab.enqueue(slot, on: channel, flags: flags)
                        own.append(.successful)
                    }
                }
                try channel.submit()
                try channel.waitUntilIdle()
                let expected = fenced(own, fences)
                let comment: Comment = "failures at \(failures), fences at \(fences), polled \(polling)"
                #expect(try polling.statuses(count, of: channel) == expected, comment)
                slab.expectWritten { expected[$0] == .successful }
            }
        }
    }
}

/// What the operations of one batch come to: behind a fence that follows a failure, none is attempted.
private func fenced(_ own: [CompletionStatus], _ fences: [Int]) -> [CompletionStatus] {
    guard let failure = own.firstIndex(where: { $0 != .successful }),
        let fence = fences.filter({ $0 > failure }).min()
    else { return own }
    return own.enumerated().map { $0 < fence ? $1 : .notAttempted }
}

private func beginsBatchesClean(_ bench: ConformanceBench) throws {
    let (channel, pairs) = (try bench.channel(), bench.burst(upTo: 16) / 2)
    guard pairs > 0 else { return }
    let slab = bench.slab(2 * pairs)
    for polled in [false, true] {
        slab.reset()
        // Doorbells follow each other closely: the engine may see several of them at once.
        for pair in 0..<pairs {
            _ = try slab.enqueueBad(2 * pair, BadAddress.refused, as: .destination, on: channel, flags: .submit)
            if polled { #expect(try channel.statuses(1) == [.invalidDestinationAddress]) }
            try slab.enqueue(2 * pair + 1, on: channel, flags: [.fence, .submit])
            if polled { #expect(try channel.statuses(1) == [.successful]) }
        }
        if !polled {
            let expected = [CompletionStatus.invalidDestinationAddress, .successful]
            #expect(try channel.statuses(2 * pairs) == Array(repeatElement(expected, count: pairs).joined()))
        }
        slab.expectWritten { $0 % 2 == 1 }
    }
}
