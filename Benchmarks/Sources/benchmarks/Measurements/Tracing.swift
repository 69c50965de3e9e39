import CPeers
import DMADev
import Foundation

/// The events of whole bursts. Together they record every operation.
private let burstEvents = ["dmadev:burst", "dmadev_engine:completed_burst"]

/// The cost of tracing: of one tracepoint, disabled and enabled, in addition to an empty loop, and of a bare event of LTTng
/// with the same fields; and of copies in bursts
/// with every operation recorded by burst events. The benchmark creates its own recording sessions.
func measureTracing(_ session: Session) throws {
    let setting = session.setting
    try setting.pinned {
        try session.inTurn(
            "tracepoint", unit: "ns",
            [Session.Subject("off") { cpeers_disabled_tracepoint(setting.isQuick ? 1_000_000 : 10_000_000) }])
    }
    guard LTTng.isInstalled() else {
        return session.skip(
            "on", "lttng, lttng-sessiond or babeltrace2 is missing: apt-get install lttng-tools babeltrace2")
    }
    try measureTracepoint(session)
    guard try LTTng.offers(burstEvents) else {
        return session.skip("bursts", "this dmascope has no events \(burstEvents.joined(separator: " and "))")
    }
    try measureBursts(session)
    try countBursts(session)
}

private func measureTracepoint(_ session: Session) throws {
    let recording = try LTTng(
        "copy", events: ["dmadev:copy", "dmascope_peer:copy"], keepsAll: false, setting: session.setting)
    defer { recording.end() }
    try recording.start()
    try session.setting.pinned {
        try session.inTurn(
            "tracepoint", unit: "ns", rounds: 4 * session.setting.rounds,
            [
                Session.Subject("on") { cpeers_tracepoint(50_000) },
                Session.Subject("lttng") { cpeers_lttng_event(50_000) },
            ])
    }
}

/// Copies in bursts with and without recording. The difference is the cost for the slower side, application or engine.
private func measureBursts(_ session: Session) throws {
    let setting = session.setting
    let recording = try LTTng("bursts", events: burstEvents, keepsAll: false, setting: setting)
    defer { recording.end() }
    let lane = try Lane(setting)
    let memory = try CopyMemory(size: 64)
    let copy = try memory.verified { work, seconds in try lane.copy(work, seconds: seconds) }
    try session.dataPath(
        "burst-32", unit: "ns/op",
        [
            Session.Subject("off") { try copy(setting.roundSeconds) },
            Session.Subject("on") {
                try recording.start()
                defer { try? recording.stop() }
                return try copy(setting.roundSeconds)
            },
        ])
    try lane.end()
}

/// Records a million operations at full speed (fewer with --quick) to disk and counts them there.
private func countBursts(_ session: Session) throws {
    let setting = session.setting
    let recording = try LTTng("lossless", events: burstEvents, keepsAll: true, setting: setting)
    defer { recording.end() }
    let lane = try Lane(setting)
    let memory = try CopyMemory(size: 64)
    try recording.start()
    _ = try setting.pinned { try lane.copy(memory.work, seconds: 0, atLeast: setting.isQuick ? 50_000 : 1_000_000) }
    try recording.stop()
    let done = try lane.device.statistics.completed
    try lane.end()
    let recorded = try recordedOperations(in: recording.directory)
    session.record("lossless", "operations", "operations", [Double(done)])
    session.record("lossless", "recorded", "operations", [burstEvents.map { recorded[$0] ?? 0 }.min() ?? 0])
}

/// The number of operations in all records, by event.
private func recordedOperations(in directory: String) throws -> [String: Double] {
    // Extract only the counts: a trace has a hundred bytes per operation. grep fails if there are none, which is valid.
    let words = (burstEvents.map { $0 + ":" } + [" nb_ops = [0-9]*"]).joined(separator: "\\|")
    let lines = try Child.output(of: ["sh", "-c", "babeltrace2 '\(directory)' | grep -o '\(words)' || true"])
    var counts = [String: Double]()
    var event = ""
    for line in lines.split(separator: "\n") {
        if line.hasPrefix(" nb_ops"), let number = line.split(separator: " ").last {
            counts[event, default: 0] += Double(number) ?? 0
        } else {
            event = String(line.dropLast())
        }
    }
    return counts
}
