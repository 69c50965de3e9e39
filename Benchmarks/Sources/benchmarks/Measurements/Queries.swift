import CPeers
import Foundation

/// Telemetry queries per second and the latency of one, compared with a bare echo server and DPDK's telemetry. Every
/// server runs on the engine's processor. A single client shares it, because waking another processor would take longer
/// than any server needs; several clients use the other one.
func measureTelemetry(_ session: Session) throws {
    let setting = session.setting
    let scope = try ServerProcess.dmascope(setting, filePrefix: "queries")
    defer { scope.end() }
    let echo = try ServerProcess.echo(setting)
    defer { echo.end() }
    let dpdk = session.dpdk("dpdk")
    if let dpdk { pinTelemetry(of: dpdk, setting) }
    let rounds = setting.isQuick ? 2 : 5
    let seconds = setting.isQuick ? 0.05 : 0.2
    for (name, request) in [("list", "/"), ("info", "/dmadev/info,0"), ("stats", "/dmadev/stats,0")] {
        for clients: UInt32 in [1, 10, 100, 1000] {
            var subjects = [
                subject("dmascope", scope.path, request, clients, 0, seconds, setting),
                subject("echo", echo.path, request, clients, 0, seconds, setting),
            ]
            if let dpdk, clients <= 10 {
                subjects.append(subject("dpdk", dpdk.socketPath, request, clients, 0, seconds, setting))
            }
            try session.inTurn("\(name)-\(clients)", unit: "", rounds: rounds, subjects)
        }
    }
    if dpdk != nil { session.skip("dpdk-100", "DPDK serves ten clients and closes the connection of the eleventh") }
    try session.inTurn(
        "silent-990", unit: "", rounds: rounds,
        [subject("dmascope", scope.path, "/", 10, 990, seconds, setting)])
}

private func subject(
    _ name: String, _ path: String, _ request: String, _ clients: UInt32, _ silent: UInt32, _ seconds: Double,
    _ setting: Setting
) -> Session.Subject {
    var subject = Session.Subject(["\(name)-rate", "\(name)-p50", "\(name)-p99", "\(name)-answered"]) {
        let cpu = clients + silent == 1 ? setting.engineCPU : setting.applicationCPU
        var load = cpeers_load()
        var error: Int32 = 0
        try setting.pinned(to: cpu) { error = cpeers_load(path, request, clients, silent, seconds, &load) }
        try Failure.check(error, "\(clients) clients of \(name)")
        return [
            load.queries_per_second, load.p50_nanoseconds / 1000, load.p99_nanoseconds / 1000, Double(load.answered),
        ]
    }
    subject.units = ["q/s", "µs", "µs", "clients"]
    return subject
}

/// Pins DPDK's telemetry threads, which are separate from the device's thread.
private func pinTelemetry(of dpdk: DPDKPeer, _ setting: Setting) {
    let directory = "/proc/\(dpdk.program.processID)/task"
    for task in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
        let comm = (try? String(contentsOfFile: "\(directory)/\(task)/comm", encoding: .utf8)) ?? ""
        guard comm.hasPrefix("telemetry"), let thread = Int32(task) else { continue }
        _ = cpeers_pin_thread(thread, setting.engineCPU)
    }
}
