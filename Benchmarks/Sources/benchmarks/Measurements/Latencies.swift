import CPeers
import DMADev
import Glibc

/// The latency of one copy of 64 bytes, from the enqueue to the poll that reports it: with the engine awake, and after
/// an idle time in which it falls asleep; compared with a bare futex wake between the same processors.
func measureLatency(_ session: Session) throws {
    let setting = session.setting
    let lane = try Lane(setting)
    let memory = try CopyMemory(size: 64)
    let dpdk = session.dpdk("dpdk")
    guard let sleeper = cpeers_sleeper_start(setting.engineCPU) else { throw Failure("cannot start a thread") }
    defer { cpeers_sleeper_stop(sleeper) }
    func subject(_ name: String, _ body: @escaping () throws -> [Double]) -> Session.Subject {
        Session.Subject(["\(name)-median", "\(name)-p99"], body)
    }
    func both(_ samples: [Double]) -> [Double] {
        let sorted = samples.sorted()
        return [Series.median(of: samples), sorted[sorted.count * 99 / 100]]
    }
    for (scene, idle, most) in [
        ("awake", 0, 3000), ("idle-0.1ms", 100_000, 100), ("idle-1ms", 1_000_000, 60), ("idle-10ms", 10_000_000, 12),
    ] {
        let count = setting.isQuick ? max(most / 10, 3) : most
        var subjects = [
            subject("dmascope") {
                both(try timeCopies(lane.channel, memory, count: count, idle: idle))
            }
        ]
        if idle > 0 {
            subjects.append(
                subject("futex-wake") {
                    both(
                        (0..<count).map { _ in
                            sleep(nanoseconds: idle)
                            return cpeers_sleeper_wake(sleeper)
                        })
                })
        }
        if let dpdk { subjects.append(subject("dpdk") { try dpdk.request("latency \(idle) \(count)") }) }
        try session.dataPath(scene, unit: "ns", subjects)
    }
    try lane.end()
}

/// `cpeers_time_copies` with the public calls.
private func timeCopies(_ channel: VirtualChannel, _ memory: CopyMemory, count: Int, idle: Int) throws -> [Double] {
    let tick = cpeers_measure_tick()
    let source = address(memory.work.source)
    let destination = address(memory.work.destination)
    return try (0..<count).map { _ in
        if idle > 0 { sleep(nanoseconds: idle) }
        let begin = cpeers_ticks()
        try channel.copy(from: source, to: destination, length: 64, flags: .submit)
        while try channel.completed(upTo: 1).count == 0 { cpeers_relax() }
        return Double(cpeers_ticks() - begin) * tick
    }
}

private func sleep(nanoseconds: Int) {
    var pause = timespec(tv_sec: nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
    nanosleep(&pause, nil)
}
