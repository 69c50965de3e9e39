import CPeers
import Glibc

/// Fills of 4 to 64 KiB with a byte that repeats and with eight bytes that differ, beside memset.
func measureFills(_ session: Session) throws {
    let setting = session.setting
    let lane = try Lane(setting)
    if let dpdk = session.dpdk("dpdk") {
        do {
            _ = try dpdk.ask("fill")
        } catch {
            session.skip("dpdk", error.description)
        }
    }
    for size in [4096, 16384, 65536] {
        let place = try Workplace(size: size)
        let work = place.work
        func subject(_ name: String, _ pattern: UInt64) -> Session.Subject {
            Session.Subject(name) {
                memset(work.destination, 0, place.byteCount)
                _ = try lane.fill(work, pattern: pattern, seconds: setting.roundSeconds / 10)
                let words = UnsafeMutableRawPointer(work.destination).assumingMemoryBound(to: UInt64.self)
                let buffer = UnsafeBufferPointer(start: words, count: place.byteCount / 8)
                guard buffer.allSatisfy({ $0 == pattern }) else { throw Failure("the pattern is not there") }
                let nanoseconds = try lane.fill(work, pattern: pattern, seconds: setting.roundSeconds)
                return Double(size) / nanoseconds
            }
        }
        try session.dataPath(
            "\(size)", unit: "GB/s",
            [
                subject("uniform", 0x5A5A_5A5A_5A5A_5A5A), subject("pattern", 0x0123_4567_89AB_CDEF),
                Session.Subject("memset") {
                    Double(size) / withUnsafePointer(to: work) { cpeers_memset($0, setting.roundSeconds) }
                },
            ])
    }
    try lane.end()
}
