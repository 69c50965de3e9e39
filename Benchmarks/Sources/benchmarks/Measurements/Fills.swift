import CPeers
import Glibc

/// Fills of 4 to 64 KiB with one repeated byte and with eight different bytes, compared with memset.
func measureFills(_ session: Session) throws {
    let setting = session.setting
    let lane = try Lane(setting)
    if let dpdk = session.dpdk("dpdk") {
        do {
            _ = try dpdk.request("fill")
        } catch {
            session.skip("dpdk", error.description)
        }
    }
    for size in [4096, 16384, 65536] {
        let memory = try CopyMemory(size: size)
        let work = memory.work
        func subject(_ name: String, _ pattern: UInt64) throws -> Session.Subject {
            memset(work.destination, 0, memory.byteCount)
            _ = try lane.fill(work, pattern: pattern, seconds: 0)
            let words = UnsafeMutableRawPointer(work.destination).assumingMemoryBound(to: UInt64.self)
            guard UnsafeBufferPointer(start: words, count: memory.byteCount / 8).allSatisfy({ $0 == pattern }) else {
                throw Failure("the destination does not have the pattern")
            }
            return Session.Subject(name) {
                _ = try lane.fill(work, pattern: pattern, seconds: setting.roundSeconds / 10)
                return Double(size) / (try lane.fill(work, pattern: pattern, seconds: setting.roundSeconds))
            }
        }
        try session.dataPath(
            "\(size)", unit: "GB/s",
            [
                subject("uniform", 0x5A5A_5A5A_5A5A_5A5A), subject("pattern", 0x0123_4567_89AB_CDEF),
                Session.Subject("memset") {
                    withUnsafePointer(to: work) { work in
                        _ = cpeers_memset(work, setting.roundSeconds / 10)
                        return Double(size) / cpeers_memset(work, setting.roundSeconds)
                    }
                },
            ])
    }
    try lane.end()
}
