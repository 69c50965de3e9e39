import CPeers

/// Copies of 64 B and 64 KiB between two domains by a controller in a separate process: of two processes, and of a process
/// and a stand-in for a guest; compared with the same copies by an engine in this process.
func measureDomains(_ session: Session) throws {
    let setting = session.setting
    let guest = try StandInGuest(setting)
    defer { guest.end() }
    let server = try ServerProcess.dmascope(setting, filePrefix: "domains", guest.hostOptions)
    defer { server.end() }
    try guest.start()
    let control = "\(setting.directory)/dmascope/domains.control"
    let lane = try Lane(setting)
    for size in [64, 65536] {
        let processes = try DomainLane(owner: control, mover: control, size: size)
        let systems = try DomainLane(owner: control, mover: guest.controlPath, size: size)
        let near = try CopyMemory(size: size)
        let (acrossProcesses, acrossSystems, inside) = (
            try processes.memory.verified(processes.copy), try systems.memory.verified(systems.copy),
            try near.verified { try lane.copy($0, seconds: $1) }
        )
        let plain = try near.verified { work, seconds in withUnsafePointer(to: work) { cpeers_memcpy($0, seconds) } }
        let seconds = setting.roundSeconds
        try session.dataPath(
            "\(size)", unit: "ns/op",
            [
                Session.Subject("controller") { try acrossProcesses(seconds) },
                Session.Subject("guest") { try acrossSystems(seconds) },
                Session.Subject("in-process") { try inside(seconds) },
                Session.Subject("memcpy") { try setting.onEngineCPU { try plain(seconds) } },
            ])
        try systems.end()
        try processes.end()
    }
    try lane.end()
}
