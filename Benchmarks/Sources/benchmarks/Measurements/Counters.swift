import CPeers

/// What counters and latency histogram cost. dmascope has no switch for them, and gets none to be measured: the bare C
/// ring runs with and without the same counters, kept as plainly as C can; the difference is their price.
func measureCounters(_ session: Session) throws {
    let setting = session.setting
    for burst: UInt32 in [1, 32] {
        let place = try Workplace(size: 64, burst: burst)
        func subject(_ name: String, _ counted: Bool) throws -> Session.Subject {
            let round = try place.verified { work, seconds in
                withUnsafePointer(to: work) { cpeers_ring($0, counted, setting.engineCPU, seconds) }
            }
            return Session.Subject(name) { try round(setting.roundSeconds) }
        }
        try session.dataPath(
            "burst-\(burst)", unit: "ns/op", [subject("with", true), subject("without", false)])
    }
}
