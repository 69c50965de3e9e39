import CPeers

/// Copies of 64 B and 64 KiB between two domains by a controller in a separate process, compared with the same copies
/// by an engine in this process.
func measureDomains(_ session: Session) throws {
    let setting = session.setting
    let server = try ServerProcess.dmascope(setting, filePrefix: "domains")
    defer { server.end() }
    let lane = try Lane(setting)
    for size in [64, 65536] {
        let crossing = try DomainLane("\(setting.directory)/dmascope/domains.control", size: size)
        let near = try CopyMemory(size: size)
        let (across, inside) = (
            try crossing.memory.verified(crossing.copy), try near.verified { try lane.copy($0, seconds: $1) }
        )
        let plain = try near.verified { work, seconds in withUnsafePointer(to: work) { cpeers_memcpy($0, seconds) } }
        let seconds = setting.roundSeconds
        try session.dataPath(
            "\(size)", unit: "ns/op",
            [
                Session.Subject("controller") { try across(seconds) },
                Session.Subject("in-process") { try inside(seconds) },
                Session.Subject("memcpy") { try plain(seconds) },
            ])
        try crossing.end()
    }
    try lane.end()
}
