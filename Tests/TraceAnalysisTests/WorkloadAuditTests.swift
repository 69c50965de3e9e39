import Foundation
import TestSupport
import Testing
import TraceAnalysis

/// Audits of many random workloads on every driver: every kind of operation and of polling, failures, aborts, restarts.
@Suite struct WorkloadAuditTests {
    /// More of a driver than its processes could do while they are killed.
    private static let endless = "1000000"

    /// What one process has done, from what it prints about each workload.
    private struct Counts {
        var submitted: UInt64 = 0, completed: UInt64 = 0, errors: UInt64 = 0, starts: UInt64 = 0
        var workloads = 0

        init(_ output: String) {
            for line in output.split(separator: "\n") {
                let words = line.split(separator: " ").compactMap { UInt64($0) }
                guard line.hasPrefix("counters "), words.count == 5 else { continue }
                submitted += words[0]
                completed += words[1]
                errors += words[2]
                starts += words[4]
                workloads += 1
            }
        }
    }

    @Test(
        "1,000 random workloads are right: each event has its counter; what was killed among them is not wrong",
        arguments: TracedDevice.drivers)
    func workloads(driver: String) throws {
        var random = SeededGenerator(for: "workloads \(driver)")
        let seed = random.seed
        var complete: [Int: Counts] = [:]
        var killed: Set<Int> = []
        var workloadCount = 0
        let audit = try AuditTests.audit(AuditTests.bursts, channel: .init(subBufferSize: "2M", subBufferCount: 4)) {
            session in
            let program = try builtProduct("trace-bursts")
            func start(_ device: String, _ count: String) throws -> RunningProgram {
                try session.start(program, ["workloads", device, "\(random.next() >> 1)", count])
            }
            // A controller is another one in the second part.
            for _ in 0..<2 {
                try TracedDevice.with(driver, session) { device, controller in
                    let longest = try start(device, "490")
                    for _ in 0..<2 {
                        let victim = try start(device, Self.endless)
                        killed.insert(Int(victim.processID))
                        for _ in 0..<Int.random(in: 5...15, using: &random) {
                            _ = try victim.nextLine(timeout: .seconds(120))
                            workloadCount += 1
                        }
                        victim.kill(SIGKILL)
                        #expect(try victim.wait().exit == .signalled(SIGKILL))
                    }
                    let result = try longest.wait(timeout: .seconds(300))
                    #expect(result.exit == .exited(0), "seed \(seed): \(result.errors)")
                    let counts = Counts(result.output)
                    complete[Int(longest.processID)] = counts
                    workloadCount += counts.workloads
                    guard let controller else { return }
                    // It dies under this one.
                    let orphan = try start(device, Self.endless)
                    killed.insert(Int(orphan.processID))
                    for _ in 0..<5 { _ = try orphan.nextLine(timeout: .seconds(120)) }
                    controller.kill(SIGKILL)
                    #expect(try orphan.wait().exit != .exited(0))
                }
            }
        }
        #expect(workloadCount >= 1000 && audit.losses.isEmpty, "\(audit.losses.sentences)")
        for channel in audit.channels {
            let isComplete = complete[channel.processID] != nil
            #expect(isComplete || killed.contains(channel.processID), "\(channel.process)")
            #expect(
                isComplete ? channel.verdict == .right : channel.verdict != .wrong,
                "seed \(seed), \(channel.process): \(channel.findings.prefix(3))")
        }
        for (processID, counts) in complete {
            let own = audit.channels.filter { $0.processID == processID }
            #expect(own.reduce(0) { $0 + $1.submitted } == counts.submitted)
            #expect(own.reduce(0) { $0 + $1.completed } == counts.completed)
            #expect(own.reduce(0) { $0 + $1.errors } == counts.errors)
            #expect(own.reduce(0) { $0 + $1.ringCount } == 2 * counts.starts && counts.starts > 490)
        }
        #expect(killed.isSubset(of: audit.channels.map(\.processID)))
    }

    @Test("With losses, random workloads are inconclusive, and never wrong", arguments: TracedDevice.drivers)
    func lossyWorkloads(driver: String) throws {
        let seed = SeededGenerator(for: "lossy workloads \(driver)").seed
        // The events of one doorbell hardly have room in sub-buffers of this size; a long list has none.
        let audit = try AuditTests.audit(["dmadev*"], channel: .init(subBufferSize: "4k", subBufferCount: 2)) {
            session in
            try TracedDevice.with(driver, session) { device, _ in
                try session.run(
                    builtProduct("trace-bursts"), ["workloads", device, "\(seed >> 1)", "30"], timeout: .seconds(120))
            }
        }
        #expect(!audit.losses.discarded.isEmpty, "seed \(seed)")
        #expect(audit.verdict == .inconclusive && !audit.channels.isEmpty)
        #expect(audit.channels.allSatisfy { $0.verdict == .inconclusive })
    }
}
