import CPeers
import Glibc

/// The processor time of a whole process whose only work is a started device that nobody uses.
func measureIdleness(_ session: Session) throws {
    let setting = session.setting
    let lane = try Lane(setting)
    let seconds = setting.isQuick ? 0.3 : 1
    // What it spins for before it sleeps is not idleness.
    usleep(100_000)
    var subjects = [
        Session.Subject("dmascope") {
            let begin = processorNanoseconds()
            let clock = cpeers_now()
            usleep(UInt32(seconds * 1e6))
            return (processorNanoseconds() - begin) / (cpeers_now() - clock) * 100
        }
    ]
    if let dpdk = session.dpdk("dpdk") {
        subjects.append(Session.Subject("dpdk") { try dpdk.ask("idle \(seconds)")[0] })
    }
    try session.inTurn("started", unit: "% of a CPU", rounds: 3, subjects)
    try lane.end()
}

private func processorNanoseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}
