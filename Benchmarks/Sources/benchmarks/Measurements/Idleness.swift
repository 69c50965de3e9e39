import CPeers
import Glibc

/// The processor time of a process with a started device that has nothing to do.
func measureIdleness(_ session: Session) throws {
    let setting = session.setting
    let lane = try Lane(setting)
    let seconds = setting.isQuick ? 0.3 : 1
    // The engine spins for some time before it sleeps: wait until it does.
    usleep(100_000)
    var subjects = [
        Session.Subject("dmascope") {
            let begin = try processorNanoseconds(of: getpid())
            let clock = cpeers_now()
            usleep(UInt32(seconds * 1e6))
            return (try processorNanoseconds(of: getpid()) - begin) / (cpeers_now() - clock) * 100
        }
    ]
    if let dpdk = session.dpdk("dpdk") {
        subjects.append(Session.Subject("dpdk") { try dpdk.request("idle \(seconds)")[0] })
    }
    try session.inTurn("started", unit: "% of a CPU", rounds: 3, subjects)
    try lane.end()
}

/// The processor time that a process of this user has used.
func processorNanoseconds(of process: pid_t) throws(Failure) -> Double {
    var clock = clockid_t()
    try Failure.check(clock_getcpuclockid(process, &clock), "the processor time of process \(process)")
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}
