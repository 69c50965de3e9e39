import CPeers
import Foundation

/// A recording session of this user's session daemon, which is started if none runs, and stopped again.
final class LTTng {
    /// Whether LTTng's tools are installed.
    static func isInstalled() -> Bool {
        (try? Child.output(of: ["sh", "-c", "command -v lttng lttng-sessiond babeltrace2"])) != nil
    }

    private let name: String
    private let startedDaemon: Bool
    /// Where a session writes that is not in snapshot mode.
    let directory: String

    /// Creates a session with one channel; nothing is recorded before ``start()``.
    ///
    /// - Parameters:
    ///   - keepsAll: `true`: writes to disk, with eight sub-buffers of 16 MiB, and drops events that do not fit;
    ///     `false`: overwrites the oldest events, so that every event is written to memory and none to disk.
    ///   - namesProcesses: whether each event has the number of its process, which analyses need.
    init(
        _ name: String, events: [String], keepsAll: Bool, namesProcesses: Bool = false, setting: Setting
    ) throws(Failure) {
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
            if namesProcesses {
                try lttng([
                    "add-context", "--userspace", "--session=\(self.name)", "--channel=main", "--type=vpid",
                ])
            }
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

    /// Removes the session, and stops the daemon if it was started for it.
    func end() {
        _ = try? lttng(["destroy", name])
        if startedDaemon { Self.stopDaemon() }
    }

    /// Stops the daemon unless another user of it has created a session.
    private static func stopDaemon() {
        guard (try? lttng(["list"]))?.contains("Available recording sessions") != true, let daemon = daemon() else {
            return
        }
        kill(daemon, SIGTERM)
        // It is not a child of this process, so it cannot be waited for.
        for _ in 0..<500 where kill(daemon, 0) == 0 { usleep(10_000) }
    }

    /// Whether this process has registered all these events.
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

    /// Starts a daemon if none runs; returns whether it did.
    private static func ensureDaemon() throws(Failure) -> Bool {
        guard (try? lttng(["list"])) == nil else { return false }
        // Redirected, because the daemon would keep the output open.
        _ = try Child.output(of: ["sh", "-c", "lttng-sessiond --no-kernel --daemonize >/dev/null 2>&1 </dev/null"])
        return true
    }

    /// This process's events as the daemon lists them. Waits up to 10 s until the process has registered with a new
    /// daemon.
    @discardableResult
    private static func waitForRegistration() throws(Failure) -> String {
        cpeers_register_events()
        for _ in 0..<200 {
            // The command fails if any registered process ends while the daemon queries all of them.
            let processes = ((try? lttng(["list", "--userspace"])) ?? "").components(separatedBy: "PID: ")
            if let own = processes.first(where: { $0.hasPrefix("\(getpid()) ") }) { return own }
            usleep(50_000)
        }
        throw Failure("this process has not registered with LTTng's session daemon")
    }

    private static func daemon() -> Int32? {
        let directory = geteuid() == 0 ? "/run/lttng" : NSHomeDirectory() + "/.lttng"
        let text = try? String(contentsOfFile: directory + "/lttng-sessiond.pid", encoding: .utf8)
        return text.flatMap { Int32($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }
}
