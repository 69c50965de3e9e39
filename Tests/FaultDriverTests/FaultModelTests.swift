import DMADev
import SoftwareDriver
import DMAEngine
import FaultDriver
import TestSupport
import SystemPackage
import Testing

/// Random operations on a device with random faults, checked one by one against a simple model: a queue of operations,
/// each with the status that it has to get.
@Suite struct FaultModelTests {
    // The smaller the ring, the longer an operation waits for two threads to wake.
    @Test(
        "100,000 random operations end as the model says",
        arguments: [(1, 4_000), (7, 16_000), (64, 30_000), (1000, 50_000)])
    func randomOperations(descriptorCount: Int, operationCount: Int) throws {
        var random = SeededGenerator(for: "fault device with a ring of \(descriptorCount)")
        var run = try Run(descriptorCount, &random)
        while run.enqueued < operationCount {
            switch random.next() % 64 {
            case 0..<36: try run.enqueue(&random)
            case 36..<44: try run.ring()
            case 44..<52: try run.poll(&random)
            case 52..<60: try run.pollStatuses(&random)
            case 60..<62: #expect(try run.channel.burstCapacity == descriptorCount - run.occupied)
            default: if random.next() % 100 == 0 { try run.restart() }
            }
        }
        try run.ring()
        try eventually("all operations end") {
            try run.pollStatuses(&random)
            return run.occupied == 0
        }
        try run.checkCounters()
    }

    private struct Run {
        struct Expected {
            var status: CompletionStatus
            var fence: Bool
            var word: Int
        }

        let bench: FaultBench
        let channel: VirtualChannel
        let descriptorCount: Int
        let chosen: [UInt64: CompletionStatus]
        let periods: [(period: UInt64, status: CompletionStatus)]

        var queue: [Expected] = []
        var enqueued = 0
        /// Of the queue, those that were rung.
        var rung = 0
        /// Ring index of the next enqueue, of the next report.
        var nextIndex = 0
        var nextReport = 0
        var number: UInt64 = 0
        var counts: [CompletionStatus: UInt64] = [:]
        var aborted: UInt64 = 0

        var occupied: Int { queue.count }

        init(_ descriptorCount: Int, _ random: inout SeededGenerator) throws {
            self.descriptorCount = descriptorCount
            let failing = CompletionStatus.table.dropFirst().map(\.status)
            var chosen: [UInt64: CompletionStatus] = [:]
            for _ in 0..<1000 {
                chosen[.random(in: 1...25_000, using: &random)] = failing.randomElement(using: &random)
            }
            periods = [(17, .busError), (23, .pageFault)]
            self.chosen = chosen
            bench = try FaultBench(
                FaultPlan(
                    failures: periods.map { FaultPlan.Failure(.every($0.period), $0.status) }
                        + chosen.map { FaultPlan.Failure(.number($0.key), $0.value) },
                    delay: random.next() % 2 == 0 ? .zero : .microseconds(20)),
                descriptorCount: UInt16(descriptorCount), words: descriptorCount)
            channel = try bench.channel
        }

        mutating func enqueue(_ random: inout SeededGenerator) throws {
            let word = nextIndex % descriptorCount
            let fence = random.next() % 4 == 0
            let submit = random.next() % 8 == 0
            let isBad = random.next() % 16 == 0
            let flags: OperationFlags = fence ? (submit ? [.fence, .submit] : .fence) : submit ? .submit : []
            guard occupied < descriptorCount else {
                guard random.next() % 32 == 0 else { return }
                let (bench, channel) = (bench, channel)
                #expect(throws: OperationError(.ringFull, .noSpace)) { try bench.copy(word, on: channel, flags) }
                return
            }
            bench.words[word] = random.next()
            let index = try bench.copy(word, isBad: isBad, on: channel, flags)
            if index != RingIndex(truncatingIfNeeded: nextIndex) { Issue.record("\(index), not \(nextIndex)") }
            queue.append(Expected(status: isBad ? .invalidSourceAddress : .successful, fence: fence, word: word))
            enqueued += 1
            nextIndex += 1
            if submit { noteDoorbell() }
        }

        mutating func ring() throws {
            try channel.submit()
            noteDoorbell()
        }

        /// Now the batch is known, and with it how each of its operations ends.
        private mutating func noteDoorbell() {
            let batch = rung..<queue.count
            for place in batch {
                number += 1
                let planned = chosen[number] ?? periods.first { number % $0.period == 0 }?.status
                if let planned { queue[place].status = planned }
            }
            for (place, status) in zip(batch, fenced(queue[batch].map(\.status), queue[batch].map(\.fence))) {
                queue[place].status = status
            }
            rung = queue.count
        }

        mutating func poll(_ random: inout SeededGenerator) throws {
            let asked = UInt16.random(in: 0...40, using: &random)
            let found = try channel.completed(upTo: asked)
            if found.hasError {
                #expect(found.count < Int(asked))
                #expect(queue[found.count].status != .successful)
            }
            take(Array(repeating: .successful, count: found.count))
            if found.lastIndex != RingIndex(truncatingIfNeeded: nextReport - 1) {
                Issue.record("last index \(found.lastIndex), not \(nextReport - 1)")
            }
        }

        mutating func pollStatuses(_ random: inout SeededGenerator) throws {
            take(try channel.poll(.random(in: 0...40, using: &random)))
        }

        private mutating func take(_ statuses: [CompletionStatus]) {
            guard statuses.count <= rung else {
                Issue.record("\(statuses.count) operations reported, \(rung) rung")
                return
            }
            for (expected, status) in zip(queue, statuses) {
                if status != expected.status { Issue.record("\(status), not \(expected.status)") }
                if status == .successful, !bench.isCopied(expected.word) { Issue.record("not copied") }
                counts[status, default: 0] += 1
            }
            queue.removeFirst(statuses.count)
            rung -= statuses.count
            nextReport += statuses.count
        }

        mutating func restart() throws {
            try bench.device.stop()
            // What was rung has ended as it should, or was aborted: only their number is known.
            aborted += UInt64(rung)
            queue = []
            (rung, nextIndex, nextReport) = (0, 0, 0)
            #expect(try bench.device.statistics == statistics(errors: bench.device.statistics.errors))
            try bench.device.start()
        }

        private func statistics(errors: UInt64) -> Statistics {
            Statistics(submitted: number, completed: number, errors: errors)
        }

        func checkCounters() throws {
            let known = counts.filter { $0.key != .successful }.values.reduce(0, +)
            let errors = try bench.device.statistics.errors
            #expect((known...known + aborted).contains(errors))
            #expect(try bench.device.statistics == statistics(errors: errors))
            let statuses = try bench.details.statuses
            #expect(statuses.values.reduce(0, +) == number)
            for (status, count) in counts {
                #expect((count...count + aborted).contains(statuses[status, default: 0]), "\(status)")
            }
            #expect(try bench.device.status(of: 0) == .idle)
        }
    }
}
