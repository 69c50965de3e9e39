import CPeers
import Foundation

/// What `dmascope serve` takes with its usual devices: from its start to its first reply, and then in memory; beside a
/// DPDK application with one device.
func measureService(_ session: Session) throws {
    let setting = session.setting
    var subjects = [
        subject("dmascope") {
            let server = try ServerProcess.dmascopeStarting(setting, filePrefix: "service")
            return (server.child, server.path, { server.end() })
        }
    ]
    if session.dpdk("dpdk") != nil {
        subjects.append(
            subject("dpdk") {
                let peer = try DPDKPeer(
                    directory: setting.directory, cpus: [setting.applicationCPU, setting.engineCPU],
                    filePrefix: "service-dpdk")
                return (peer.program, peer.socketPath, { peer.program.end() })
            })
    }
    try session.inTurn("serve", unit: "", rounds: setting.isQuick ? 2 : 7, subjects)
}

/// - Parameter start: the program, its socket, and what ends it.
private func subject(_ name: String, _ start: @escaping () throws -> (Child, String, () -> Void)) -> Session.Subject {
    var subject = Session.Subject(["\(name)-start", "\(name)-resident", "\(name)-anonymous"]) {
        let begin = cpeers_now()
        let (program, path, end) = try start()
        defer { end() }
        // It listens when it listens: asked until then, for ten seconds at most.
        while cpeers_ask(path, "/") != 0 {
            guard cpeers_now() - begin < 10e9 else { throw Failure("\(name) does not answer") }
            usleep(200)
        }
        let seconds = (cpeers_now() - begin) / 1e9
        return [seconds] + (try memory(of: program.processID))
    }
    subject.units = ["s", "MB", "MB"]
    return subject
}

/// Resident and anonymous, in MB of a million bytes.
private func memory(of process: Int32) throws -> [Double] {
    let text = try String(contentsOfFile: "/proc/\(process)/smaps_rollup", encoding: .utf8)
    return try ["Rss:", "Anonymous:"].map { key in
        let words = text.split(separator: "\n").first { $0.hasPrefix(key) }?.split(separator: " ") ?? []
        guard words.count == 3, let kilobytes = Double(words[1]) else {
            throw Failure("/proc/\(process)/smaps_rollup has no \(key)")
        }
        return kilobytes * 1024 / 1e6
    }
}
