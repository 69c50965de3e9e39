import Foundation

/// A recording session of this user's daemon, which is started when there is none and stopped again.
final class LTTng {
    /// What is known of the tools: whether they are there.
    static func isInstalled() -> Bool {
        (try? Child.output(of: ["sh", "-c", "command -v lttng lttng-sessiond babeltrace2"])) != nil
    }

    private let name: String
    private let startedDaemon: Bool
    /// Where a session that is no flight recorder writes.
    let directory: String

    /// Makes a session with one channel; nothing is recorded before ``start()``.
    ///
    /// - Parameter keepsAll: writes to disk and drops what has no room, in eight sub-buffers of 16 MiB; else the oldest
    ///   events are overwritten, so that every event is written to memory and none to disk.
    init(_ name: String, events: [String], keepsAll: Bool, setting: Setting) throws(Failure) {
        self.name = "dmascope-bench-\(name)-\(getpid())"
        directory = "\(setting.directory)/\(name)"
        startedDaemon = try Self.ensureDaemon()
        try Self.waitForRegistration()
        do throws(Failure) {
            try lttng(["create", self.name, "--output=\(directory)"] + (keepsAll ? [] : ["--snapshot"]))
            try lttng([
                "enable-channel", "--userspace", "--session=\(self.name)", keepsAll ? "--discard" : "--overwrite",
                "--subbuf-size=\(keepsAll ? "16M" : "1M")", "--num-subbuf=\(keepsAll ? 8 : 4)", "main",
            ])
            try lttng([
                "enable-event", "--userspace", "--session=\(self.name)", "--channel=main",
                events.joined(separator: ","),
            ])
        } catch {
            end()
            throw error
        }
    }

    func start() throws(Failure) { try lttng(["start", name]) }
    func stop() throws(Failure) { try lttng(["stop", name]) }

    /// Removes the session, and the daemon if it came with it.
    func end() {
        _ = try? lttng(["destroy", name])
        if startedDaemon { Self.stopDaemon() }
    }

    /// Unless somebody else has come to use it.
    private static func stopDaemon() {
        guard (try? lttng(["list"]))?.contains("Available recording sessions") != true, let daemon = daemon() else {
            return
        }
        kill(daemon, SIGTERM)
        // It is no child of this process.
        for _ in 0..<500 where kill(daemon, 0) == 0 { usleep(10_000) }
    }

    /// Whether this process offers all these events.
    static func offers(_ events: [String]) throws(Failure) -> Bool {
        let startedDaemon = try ensureDaemon()
        defer { if startedDaemon { stopDaemon() } }
        let list = try waitForRegistration()
        return events.allSatisfy { list.contains(" \($0) (") }
    }

    @discardableResult
    private func lttng(_ arguments: [String]) throws(Failure) -> String { try Self.lttng(arguments) }

    @discardableResult
    private static func lttng(_ arguments: [String]) throws(Failure) -> String {
        try Child.output(of: ["lttng", "--no-sessiond"] + arguments)
    }

    /// - Returns: whether it was started here.
    private static func ensureDaemon() throws(Failure) -> Bool {
        guard (try? lttng(["list"])) == nil else { return false }
        // Its output would be kept open by the daemon.
        _ = try Child.output(of: ["sh", "-c", "lttng-sessiond --no-kernel --daemonize >/dev/null 2>&1 </dev/null"])
        return true
    }

    /// This process's events, as the daemon lists them; a process finds a new daemon by itself, within a moment.
    @discardableResult
    private static func waitForRegistration() throws(Failure) -> String {
        for _ in 0..<200 {
            // The daemon fails when any process that it knows ends while it asks all of them.
            let processes = ((try? lttng(["list", "--userspace"])) ?? "").components(separatedBy: "PID: ")
            if let own = processes.first(where: { $0.hasPrefix("\(getpid()) ") }) { return own }
            usleep(50_000)
        }
        throw Failure("LTTng's session daemon does not see this process")
    }

    private static func daemon() -> Int32? {
        let directory = geteuid() == 0 ? "/run/lttng" : NSHomeDirectory() + "/.lttng"
        let text = try? String(contentsOfFile: directory + "/lttng-sessiond.pid", encoding: .utf8)
        return text.flatMap { Int32($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }
}
