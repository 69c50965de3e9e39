import CPeers

/// Copies of 64 B to 64 KiB: bursts of 32 in a ring of 1,024, one application thread, one engine. "Touched" means that
/// the application writes each source before its copy and reads each destination after it, so that the bytes move
/// between the caches; "untouched" means that it does not access them.
///
/// memcpy copies the same areas in the same order. Where the bytes are not touched, it does so on the engine's processor:
/// on the application's it had another share of the machine, see ``Setting/onEngineCPU(_:)``. Where they are touched,
/// one thread does everything, on the application's.
func measureCopies(_ session: Session) throws {
    let setting = session.setting
    let lane = try Lane(setting)
    let table = try TableLane(setting)
    let dpdk = session.dpdk("dpdk")
    for size in [64, 256, 1024, 4096, 65536] {
        for touches in [false, true] {
            let memory = try CopyMemory(size: size, touches: touches)
            let seconds = setting.roundSeconds
            func subject(
                _ name: String, _ body: @escaping (cpeers_work, Double) throws -> Double
            ) throws -> Session.Subject {
                let round = try memory.verified(body)
                return Session.Subject(name) { try round(seconds) }
            }
            var subjects = try [
                subject("dmascope") { work, seconds in try lane.copy(work, seconds: seconds) },
                subject("dmascope-table") { work, seconds in
                    withUnsafePointer(to: work) { cpeers_table($0, table.path, seconds) }
                },
                subject("ring") { work, seconds in
                    withUnsafePointer(to: work) { cpeers_ring($0, setting.engineCPU, seconds) }
                },
            ]
            let memcpy = try memory.verified { work, seconds in
                withUnsafePointer(to: work) { cpeers_memcpy($0, seconds) }
            }
            subjects.append(
                Session.Subject("memcpy") {
                    try touches ? memcpy(seconds) : setting.onEngineCPU { try memcpy(seconds) }
                })
            if let dpdk {
                let areas = memory.work.areas
                subjects.append(
                    Session.Subject("dpdk") {
                        try dpdk.request("copy \(size) \(areas) \(touches ? 1 : 0) \(seconds)")[0]
                    })
            }
            try session.dataPath("\(size)-\(touches ? "touched" : "untouched")", unit: "ns/op", subjects)
        }
    }
    try lane.end()
    try table.end()
}
