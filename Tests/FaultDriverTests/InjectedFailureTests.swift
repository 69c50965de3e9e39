import DMADev
import SoftwareDriver
import DMAEngine
import FaultDriver
import SystemPackage
import Testing

@Suite struct InjectedFailureTests {
    @Test(
        "Every status is had by its number, and the operation is not run", arguments: CompletionStatus.table.dropFirst()
    )
    func everyStatus(name: String, status: CompletionStatus) throws {
        let bench = try FaultBench("fail=3:\(name)")
        try bench.copy(0..<5)
        let expected = (1...5).map { $0 == 3 ? status : .successful }
        #expect(try bench.channel.statuses(5) == expected)
        for index in 0..<5 { #expect(bench.isCopied(index) == (index != 2)) }
        #expect(try bench.device.statistics == Statistics(submitted: 5, completed: 5, errors: 1))
        #expect(try bench.details.statuses == [.successful: 4, status: 1])
    }

    @Test("All statuses come in one burst")
    func allStatuses() throws {
        let failures = CompletionStatus.table.dropFirst().enumerated().map {
            FaultPlan.Failure(.number(UInt64($0.offset + 1)), $0.element.status)
        }
        let bench = try FaultBench(FaultPlan(failures: failures))
        try bench.copy(0..<16)
        #expect(try bench.channel.statuses(16) == failures.map(\.status) + [.successful])
        #expect(try bench.device.statistics == Statistics(submitted: 16, completed: 16, errors: 15))
        #expect(
            try bench.details.statuses
                == Dictionary(uniqueKeysWithValues: CompletionStatus.table.map { ($0.status, 1) }))
    }

    @Test("Numbers go before periods, periods before ranges, over stops and starts")
    func choices() throws {
        let bench = try FaultBench("from=9:page_fault,every=3:bus_error,fail=6:data_poison+2:unknown+2:bus_error")
        try bench.copy(0..<6)
        #expect(
            try bench.channel.statuses(6)
                == [.successful, .unknown, .busError, .successful, .successful, .dataPoison])
        try bench.device.stop()
        try bench.device.start()
        try bench.copy(0..<6)
        #expect(
            try bench.channel.statuses(6)
                == [.successful, .successful, .busError, .pageFault, .pageFault, .busError])
    }

    @Test("Each channel has its own numbers")
    func channels() throws {
        let bench = try FaultBench("fail=2:bus_error", vchans: 3)
        for vchan in 0..<3 as Range<UInt16> {
            let channel = try bench.device.virtualChannel(vchan)
            for index in 0..<3 { try bench.copy(index, on: channel, .submit) }
            #expect(try channel.statuses(3) == [.successful, .busError, .successful])
        }
    }

    @Test("What was never rung has no number")
    func pendingHasNoNumber() throws {
        let bench = try FaultBench("fail=2:bus_error")
        try bench.copy(0, on: bench.channel, .submit)
        try bench.copy(1, on: bench.channel)
        try bench.device.stop()
        try bench.device.start()
        try bench.copy(2..<4)
        #expect(try bench.channel.statuses(2) == [.busError, .successful])
    }

    @Test("completed stops before the failure, says so within the asked number, and keeps the last index")
    func stopsBefore() throws {
        for place in 0..<7 {
            let bench = try FaultBench("fail=\(place + 1):dev_link_error")
            let channel = try bench.channel
            try bench.copy(0..<7)
            try bench.waitUntilIdle()
            let last = RingIndex(truncatingIfNeeded: place - 1)
            func expect(_ asked: Int, _ count: Int, _ last: RingIndex, _ hasError: Bool) throws {
                let found = try channel.completed(upTo: UInt16(asked))
                #expect(found.count == count)
                #expect(found.lastIndex == last)
                #expect(found.hasError == hasError)
            }
            try expect(place, place, last, false)
            try expect(0, 0, last, false)
            try expect(1, 0, last, true)
            try expect(64, 0, last, true)
            #expect(try channel.burstCapacity == 64 - 7 + place)
            #expect(try channel.poll(1) == [.deviceLinkError])
            try expect(64, 6 - place, 6, false)
            #expect(try channel.burstCapacity == 64)
        }
    }

    @Test("Indexes go on over 65,535, faults or not")
    func wraps() throws {
        let bench = try FaultBench(
            FaultPlan(failures: [FaultPlan.Failure(.every(5), .invalidLength)]), descriptorCount: 61)
        let channel = try bench.channel
        var next = 0
        while next < 66_000 {
            for index in 0..<61 {
                #expect(try bench.copy(index, on: channel) == RingIndex(truncatingIfNeeded: next + index))
            }
            #expect(throws: OperationError.self) { try bench.copy(0, on: channel) }
            try channel.submit()
            let expected = (1...61).map { (next + $0) % 5 == 0 ? CompletionStatus.invalidLength : .successful }
            #expect(try channel.statuses(61) == expected)
            next += 61
            #expect(try channel.completed(upTo: 1).lastIndex == RingIndex(truncatingIfNeeded: next - 1))
        }
        try bench.device.stop()
        try bench.device.start()
        #expect(try bench.copy(0, on: channel) == 0)
    }

    // MARK: Bursts

    /// What one operation of a burst is.
    private enum Kind: CaseIterable {
        case good, injected, bad
    }

    /// How an application takes a burst off the ring.
    private enum Polling: CaseIterable {
        case singly, inBulk, alternately, statusesOnly, statusesSingly

        func statuses(_ count: Int, of channel: VirtualChannel) throws -> [CompletionStatus] {
            var all: [CompletionStatus] = []
            while all.count < count {
                switch self {
                case .singly, .alternately:
                    let done = try channel.completed(upTo: self == .singly ? 1 : .max)
                    all += Array(repeating: .successful, count: done.count)
                    if done.hasError { all += try channel.poll(1) }
                    try #require(done.hasError || done.count > 0)
                case .inBulk:
                    let done = try channel.completed(upTo: .max)
                    all += Array(repeating: .successful, count: done.count)
                    #expect(done.hasError == (all.count < count))
                    all += try channel.poll(count)
                case .statusesOnly:
                    all += try channel.poll(count)
                    try #require(all.count == count)
                case .statusesSingly:
                    all += try channel.poll(1)
                    try #require(all.last != nil)
                }
            }
            return all
        }
    }

    @Test("Bursts of four end right, whatever fails by itself or on purpose, and wherever fences stand")
    func bursts() throws {
        let all = allBursts()
        var failures: [FaultPlan.Failure] = []
        for (burst, (kinds, _)) in all.enumerated() {
            for (place, kind) in kinds.enumerated() where kind == .injected {
                failures.append(FaultPlan.Failure(.number(UInt64(burst * 4 + place + 1)), .busWriteError))
            }
        }
        let bench = try FaultBench(FaultPlan(failures: failures))
        let channel = try bench.channel
        var expectedCounts: [CompletionStatus: UInt64] = [:]
        for (burst, (kinds, fences)) in all.enumerated() {
            bench.reset()
            for place in 0..<4 {
                // Half of what fails on purpose would have failed by itself too.
                let isBad = kinds[place] == .bad || kinds[place] == .injected && place % 2 == 0
                try bench.copy(place, isBad: isBad, on: channel, fences[place] ? .fence : [])
            }
            try channel.submit()
            try bench.waitUntilIdle()
            let own = kinds.map { kind -> CompletionStatus in
                switch kind {
                case .good: .successful
                case .injected: .busWriteError
                case .bad: .invalidSourceAddress
                }
            }
            let expected = fenced(own, fences)
            for status in expected { expectedCounts[status, default: 0] += 1 }
            // Before anything is polled, the counters know.
            let errors = expectedCounts.values.reduce(0, +) - expectedCounts[.successful, default: 0]
            #expect(try bench.device.statistics.errors == errors)
            let polling = Polling.allCases[burst % Polling.allCases.count]
            #expect(
                try polling.statuses(4, of: channel) == expected, "\(kinds), fences \(fences), polled \(polling)")
            for place in 0..<4 { #expect(bench.isCopied(place) == (expected[place] == .successful)) }
        }
        #expect(try bench.details.statuses == expectedCounts)
    }

    private func allBursts() -> [(kinds: [Kind], fences: [Bool])] {
        (0..<1296).map { number in
            var rest = number
            var burst: (kinds: [Kind], fences: [Bool]) = ([], [])
            for _ in 0..<4 {
                burst.kinds.append(Kind.allCases[rest % 3])
                burst.fences.append(rest / 3 % 2 == 1)
                rest /= 6
            }
            return burst
        }
    }

    @Test("The next batch begins clean, also when both doorbells are seen at once", arguments: [false, true])
    func beginsClean(isPolled: Bool) throws {
        let bench = try FaultBench("every=2:bus_error")
        let channel = try bench.channel
        var expected: [CompletionStatus] = []
        for pair in 0..<16 {
            try bench.copy(2 * pair, on: channel, [.fence])
            try bench.copy(2 * pair + 1, on: channel, [.submit])
            expected += [.successful, .busError]
            if isPolled { #expect(try channel.statuses(2) == [.successful, .busError]) }
        }
        if !isPolled { #expect(try channel.statuses(32) == expected) }
    }
}
