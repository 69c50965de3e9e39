import CPeers
import Foundation

/// The time from the start of `dmascope serve`, with its default devices, to its first reply, and its memory then,
/// compared with a DPDK application with one device.
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

/// - Parameter start: returns the program, its socket, and a function that ends it.
private func subject(_ name: String, _ start: @escaping () throws -> (Child, String, () -> Void)) -> Session.Subject {
    var subject = Session.Subject(["\(name)-start", "\(name)-resident", "\(name)-anonymous"]) {
        let begin = cpeers_now()
        let (program, path, end) = try start()
        defer { end() }
        // Try until it listens, for at most ten seconds.
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

/// Resident and anonymous memory in MB (10^6 bytes).
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
