import CPeers
import Foundation

/// The work of a process: the instructions that it executes outside of the kernel, or, on a machine without such a counter,
/// its processor time.
final class ProcessWork {
    /// Of all threads that exist now; the counters go on with those that they start. Empty: processor time.
    private let counters: [Int32]
    private let processID: Int32

    init(of processID: Int32) {
        self.processID = processID
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(processID)/task")) ?? []
        let opened = threads.compactMap { Int32($0) }.map(cpeers_count_instructions)
        let isComplete = !opened.isEmpty && opened.allSatisfy { $0 >= 0 }
        counters = isComplete ? opened : []
        if !isComplete { for counter in opened where counter >= 0 { close(counter) } }
    }

    deinit {
        for counter in counters { close(counter) }
    }

    /// What ``now`` counts.
    var unit: String { counters.isEmpty ? "ns" : "instructions" }

    private func now() throws(Failure) -> Double {
        if counters.isEmpty { return try processorNanoseconds(of: processID) }
        var sum = 0.0
        for counter in counters {
            var count: UInt64 = 0
            guard read(counter, &count, 8) == 8 else { throw Failure("a counter of instructions cannot be read") }
            sum += Double(count)
        }
        return sum
    }

    /// The work that `body` causes, up to its end: until the process has used less than 20 µs of a processor in 5 ms.
    ///
    /// A look in 5 ms can be early: what starts later, as the timer of a process that waits, is not counted.
    func caused(by body: () throws -> Void) throws -> Double {
        let begin = try now()
        try body()
        var last = try processorNanoseconds(of: processID)
        while true {
            usleep(5_000)
            let used = try processorNanoseconds(of: processID)
            if used - last < 20_000 { break }
            last = used
        }
        return try now() - begin
    }
}
