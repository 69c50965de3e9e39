import CPeers
import DMADev
import DMAEngine
import Glibc

/// The latency of one copy of 64 bytes, from the enqueue to the poll that reports it: with the engine awake, and after
/// an idle time in which it falls asleep; compared with a bare futex wake between the same processors. And the processor
/// time of the process meanwhile, with each way of idling.
func measureLatency(_ session: Session) throws {
    let setting = session.setting
    let lane = try Lane(setting)
    let adaptive = try Lane(setting, idling: .adaptive)
    let memory = try CopyMemory(size: 64)
    let dpdk = session.dpdk("dpdk")
    guard let sleeper = cpeers_sleeper_start(setting.engineCPU) else { throw Failure("cannot start a thread") }
    defer { cpeers_sleeper_stop(sleeper) }
    func subject(_ name: String, _ body: @escaping () throws -> [Double]) -> Session.Subject {
        var subject = Session.Subject(["\(name)-median", "\(name)-p99"], body)
        subject.units = ["ns", "ns"]
        return subject
    }
    func measured(
        _ name: String, _ process: pid_t, _ body: @escaping () throws -> [Double]
    ) -> Session.Subject {
        var subject = Session.Subject(["\(name)-median", "\(name)-p99", "\(name)-processor"]) {
            let (begin, clock) = (try processorNanoseconds(of: process), cpeers_now())
            let values = try body()
            return values + [(try processorNanoseconds(of: process) - begin) / (cpeers_now() - clock) * 100]
        }
        subject.units = ["ns", "ns", "% of a CPU"]
        return subject
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
            measured("dmascope", getpid()) {
                both(try timeCopies(lane.channel, memory, count: count, idle: idle))
            }
        ]
        if idle > 0 {
            subjects.append(
                measured("adaptive", getpid()) {
                    both(try timeCopies(adaptive.channel, memory, count: count, idle: idle))
                })
            subjects.append(
                subject("futex-wake") {
                    both(
                        (0..<count).map { _ in
                            sleep(nanoseconds: idle)
                            return cpeers_sleeper_wake(sleeper)
                        })
                })
        }
        if let dpdk {
            subjects.append(
                measured("dpdk", dpdk.program.processID) { try dpdk.request("latency \(idle) \(count)") })
        }
        try session.dataPath(scene, unit: "ns", subjects)
    }
    try lane.end()
    try adaptive.end()
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
