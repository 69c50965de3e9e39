import CPeers
import DMADev

/// The cost of one call, with the loop of `cpeers_calls.h`: for the Swift calls, for the function table, and for DPDK.
func measureCalls(_ session: Session) throws {
    let setting = session.setting
    let lane = try Lane(setting)
    let table = try TableLane(setting)
    let memory = try CopyMemory(size: 64)
    let count: UInt32 = setting.isQuick ? 200 : 2000
    let phases = ["enqueue", "doorbell", "completed", "none-ready"]
    func subject(_ name: String, _ body: @escaping () throws -> [Double]) -> Session.Subject {
        Session.Subject(phases.map { "\(name)-\($0)" }, body)
    }
    var subjects = [
        subject("dmascope") { try timeCalls(lane.channel, memory, rounds: Int(count)) },
        subject("dmascope-table") {
            var calls = cpeers_calls()
            guard cpeers_table_calls(table.path, count, memory.work.source, memory.work.destination, &calls) != 0 else {
                throw Failure("a call failed")
            }
            return [calls.enqueue, calls.doorbell, calls.completed, calls.none_ready]
        },
    ]
    if let library = session.library("library") {
        subjects.append(subject("library") { try library.request("calls \(count)") })
    }
    if let dpdk = session.dpdk("dpdk") { subjects.append(subject("dpdk") { try dpdk.request("calls \(count)") }) }
    try session.dataPath("burst-32", unit: "ns", subjects)
    try lane.end()
    try table.end()
}

/// `cpeers_time_calls` with the public calls.
private func timeCalls(_ channel: VirtualChannel, _ memory: CopyMemory, rounds: Int) throws -> [Double] {
    let burst = Int(Lane.burst)
    let tick = cpeers_measure_tick()
    let cost = cpeers_tick_cost()
    let source = memory.work.source
    let destination = memory.work.destination
    let last = UnsafeMutableRawPointer(destination + (burst - 1) * 64).assumingMemoryBound(to: UInt64.self)
    var samples = [[Double]](repeating: [], count: 4)
    for round in 1...UInt64(rounds) {
        cpeers_write(source, burst * 64, round)
        cpeers_drain()
        let begin = cpeers_ordered_ticks()
        for index in 0..<burst {
            try channel.copy(from: address(source + index * 64), to: address(destination + index * 64), length: 64)
        }
        let enqueued = cpeers_ordered_ticks()
        try channel.submit()
        let rung = cpeers_ordered_ticks()
        while cpeers_look(last) != round { cpeers_relax() }
        // The engine publishes after its last operation.
        let seen = cpeers_ticks()
        while Double(cpeers_ticks() - seen) * tick < 3000 { cpeers_relax() }
        let polling = cpeers_ordered_ticks()
        var count = try channel.completed(upTo: UInt16(burst)).count
        let polled = cpeers_ordered_ticks()
        let isWhole = count == burst
        while count < burst { count += try channel.completed(upTo: UInt16(burst - count)).count }
        let idle = cpeers_ordered_ticks()
        for _ in 0..<burst {
            guard try channel.completed(upTo: UInt16(burst)).count == 0 else {
                throw Failure("more operations were completed than were enqueued")
            }
        }
        let ended = cpeers_ordered_ticks()
        guard isWhole else { continue }
        for (phase, ticks) in [enqueued - begin, rung - enqueued, polled - polling, ended - idle].enumerated() {
            samples[phase].append((Double(ticks) - cost) * tick / Double(burst))
        }
    }
    return samples.map(Series.median)
}
