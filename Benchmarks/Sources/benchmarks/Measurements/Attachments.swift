import CPeers
import DMADev

/// Copies between two memory files of 4 KiB and more, bursts of 32 in a ring of 1,024: by their virtual addresses, and
/// through attachments of the same device to both.
func measureAttachments(_ session: Session) throws {
    let setting = session.setting
    let lane = try Lane(setting)
    for size in [4096, 65536] {
        let byteCount = CopyMemory.byteCount(size: size)
        let buffers = try ["source", "destination"].map { try MemoryExporter(name: $0, byteCount: byteCount) }
        let memory = CopyMemory(size: size, source: buffers[0].memory, destination: buffers[1].memory)
        let attachments = try buffers.map { try lane.device.attach($0) }
        let ranges = [try attachments[0].map(.toDevice), try attachments[1].map(.fromDevice)]
        guard ranges.allSatisfy({ $0.count == 1 }) else { throw Failure("a buffer has more than one range") }
        let (from, to) = (ranges[0][0].address, ranges[1][0].address)
        let seconds = setting.roundSeconds
        func subject(
            _ name: String, _ body: @escaping (cpeers_work, Double) throws -> Double
        ) throws -> Session.Subject {
            let round = try memory.verified(body)
            return Session.Subject(name) { try round(seconds) }
        }
        try session.dataPath(
            "\(size)", unit: "ns/op",
            [
                subject("plain") { work, seconds in try lane.copy(work, seconds: seconds) },
                subject("attached") { work, seconds in
                    try lane.copy(work, from: from, to: to, seconds: seconds)
                },
            ])
        for attachment in attachments { try attachment.detach() }
    }
    try lane.end()
}
