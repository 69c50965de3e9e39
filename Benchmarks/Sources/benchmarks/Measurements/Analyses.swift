import DMADev
import Foundation

/// The processor time of `dmascope trace report` and `dmascope audit` for real traces, compared with decoding them only:
/// babeltrace2 with a sink that does nothing. One trace has an event for each call and step of the engine, the other
/// bursts. And the memory of both for a trace of a quarter of the length.
func measureAnalyses(_ session: Session) throws {
    guard LTTng.isInstalled() else {
        return session.skip(
            "calls", "lttng, lttng-sessiond or babeltrace2 is missing: apt-get install lttng-tools babeltrace2")
    }
    let scale = session.setting.isQuick ? 20 : 1
    try measureAnalyses(session, "calls", ["dmadev*"], operations: 400_000 / scale)
    let control = ["device_added", "configure", "vchan_setup", "start", "stop", "close"].map { "dmadev:\($0)" }
    try measureAnalyses(
        session, "bursts",
        control + [
            "dmadev:burst", "dmadev_engine:completed_burst", "dmadev_engine:ring_attach", "dmadev_engine:ring_detach",
        ],
        operations: 4_000_000 / scale)
}

private func measureAnalyses(_ session: Session, _ scene: String, _ events: [String], operations: Int) throws {
    let setting = session.setting
    let short = try recorded("\(scene)-short", events, operations: operations / 4, setting)
    let long = try recorded(scene, events, operations: operations, setting)
    let programs = [
        ("bare", ["babeltrace2", "-c", "sink.utils.dummy"]), ("report", [setting.dmascope, "trace", "report"]),
        ("audit", [setting.dmascope, "audit"]),
    ]
    try session.inTurn(
        scene, unit: "s", rounds: setting.isQuick ? 2 : 5,
        programs.map { name, command in
            // What an audit finds is another matter.
            Session.Subject(name) { try ProcessUsage(of: command + [long], allowing: [0, 6, 7]).seconds }
        })
    for (name, command) in programs {
        for (length, trace) in [("short", short), ("long", long)] {
            session.record(
                scene, "\(name)-\(length)-peak", "MB",
                [try ProcessUsage(of: command + [trace], allowing: [0, 6, 7]).peak])
        }
    }
}

/// Records copies of 64 bytes in bursts of 32, and returns the trace's directory.
private func recorded(_ name: String, _ events: [String], operations: Int, _ setting: Setting) throws -> String {
    let recording = try LTTng(name, events: events, keepsAll: true, namesProcesses: true, setting: setting)
    defer { recording.end() }
    try recording.start()
    let lane = try Lane(setting)
    let memory = try CopyMemory(size: 64)
    _ = try setting.pinned { try lane.copy(memory.work, seconds: 0, atLeast: operations) }
    try lane.end()
    try recording.stop()
    return recording.directory
}
