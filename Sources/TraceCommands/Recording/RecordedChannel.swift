import ArgumentParser
import CommandSupport
import MetricsExporter
import TelemetryClient
import TelemetryWire

/// The device, and maybe the channel, that events have to be about, as `--device` names it.
struct RecordedChannel: ExpressibleByArgument {
    private let text: String
    /// The name, or the number.
    private let device: Substring
    private let vchan: UInt16?

    init?(argument: String) {
        guard !argument.isEmpty, !argument.hasSuffix(":"), !argument.hasPrefix(":"),
            argument.utf8.count <= 256, !argument.contains(where: { $0.isWhitespace || $0 == "," })
        else { return nil }
        text = argument
        // Names of PCI devices have colons of their own, and end in no number after one.
        if let colon = argument.lastIndex(of: ":"), let vchan = UInt16(argument[argument.index(after: colon)...]) {
            device = argument[..<colon]
            self.vchan = vchan
        } else {
            device = argument[...]
            vchan = nil
        }
    }

    /// The conditions on events. For a name, the running processes are read.
    ///
    /// - Parameter startsProgram: whether the command starts a program, whose devices do not exist yet.
    /// - Throws: ``Failure``: no running process has a device of that name.
    func filter(_ finder: FinderOptions, startsProgram: Bool) throws(Failure) -> RecordingFilter {
        if let number = UInt16(device) { return RecordingFilter(device: number, vchan: vchan) }
        let found = try RunningDevices(finder)
        let (whole, part) = (found.devices(named: text), found.devices(named: String(device)))
        if !whole.isEmpty { return try RecordingFilter(text, whole, vchan: nil) }
        if !part.isEmpty { return try RecordingFilter(text, part, vchan: vchan) }
        throw found.failure(for: String(device), startsProgram: startsProgram)
    }
}

/// A condition on the events of operations, as LTTng reads it.
struct RecordingFilter {
    /// For events of calls.
    let calls: String
    /// For those of engines.
    let engines: String
    /// For people.
    let text: String

    /// - Parameter vchan: `nil`: all.
    init(device: UInt16, vchan: UInt16?) {
        calls = "dev_id == \(device)" + Self.condition(vchan)
        engines = calls
        text = "device \(device)" + (vchan.map { ":\($0)" } ?? "")
    }

    /// - Throws: ``Failure``: there are too many devices.
    init(_ name: String, _ devices: [RunningDevices.Device], vchan: UInt16?) throws(Failure) {
        guard devices.count <= 64 else {
            throw Failure(
                "\(devices.count) running processes have a device \(name): give its number to record all of them")
        }
        func condition(_ alternatives: [String]) -> String {
            "(" + alternatives.joined(separator: " || ") + ")" + Self.condition(vchan)
        }
        calls = condition(devices.map { "($ctx.vpid == \($0.pid) && dev_id == \($0.id))" })
        // The engine of a controller's device is in another process, whose events have the number of the application's device.
        engines = condition(
            devices.map { $0.hasOwnEngine ? "($ctx.vpid == \($0.pid) && dev_id == \($0.id))" : "dev_id == \($0.id)" })
        let places = devices.map { "number \($0.id) of process \($0.pid)" }
        text = "device \(name) (\(places.prefix(4).joined(separator: ", "))\(places.count > 4 ? " …" : ""))"
    }

    private static func condition(_ vchan: UInt16?) -> String { vchan.map { " && vchan == \($0)" } ?? "" }
}

/// The devices of the processes that run now, for what only they know: which number a name is.
struct RunningDevices {
    struct Device {
        let name: String
        let id: UInt64
        /// The process number that its events have, in its own namespace.
        let pid: Int64
        /// Whether its engine is a thread of the same process.
        let hasOwnEngine: Bool
    }

    private let all: [Device]
    /// Processes that could not be read.
    private let unreadableCount: Int

    init(_ options: FinderOptions) throws(Failure) {
        let walks: [SourceWalk<NameVisitor>]
        do throws(TelemetryClientError) {
            walks = try options.finder.query(timeout: options.timeout) { _ in NameVisitor() }.walks
        } catch {
            throw Failure("cannot read the telemetry sockets: \(error.reason): end other processes")
        }
        unreadableCount = walks.count { $0.outcome?.failure != nil }
        // Guests have tracers of their own.
        all = walks.filter { $0.source.name.domain == nil && $0.outcome?.failure == nil }.flatMap { walk in
            walk.visitor.devices.map { device in
                Device(
                    name: device.name, id: device.id, pid: walk.greeting?.pid ?? walk.process ?? 0,
                    hasOwnEngine: device.driver == "software")
            }
        }
    }

    func devices(named name: String) -> [Device] { all.filter { $0.name == name } }

    /// Why there is none of this name, and what to do.
    func failure(for name: String, startsProgram: Bool) -> Failure {
        var names: [String] = []
        for device in all where !names.contains(device.name) { names.append(device.name) }
        let known =
            names.isEmpty
            ? "there are none" : "there are " + names.prefix(8).joined(separator: ", ") + (names.count > 8 ? " …" : "")
        let unread =
            unreadableCount > 0
            ? "; \(unreadableCount) process\(unreadableCount == 1 ? "" : "es") could not be read: `dmascope ps` says why"
            : ""
        let advice =
            startsProgram
            ? "that of the program is not there before its start: give its number, which is 0 for its first device"
            : "start its program first, or give its number"
        return Failure(
            "no running process has a device \(name)\(Suggestion.text(for: name, among: names)): \(known)\(unread); \(advice)",
            status: .missing)
    }
}

/// The devices of one process.
private final class NameVisitor: SourceVisitor {
    static let limits = (devices: Int(Int16.max), channels: 0, groups: 0)

    private(set) var devices: [(name: String, id: UInt64, driver: String)] = []

    func selectCommands(from offered: Set<String>, process: (id: Int64, visibleID: Int32?)) -> [SourceCommand] { [] }

    func take(_ reply: JSONTree, to request: SourceRequest) {
        guard request.command == .deviceInfo, let device = request.device else { return }
        devices.append((JSONReader.label(reply["name"]?.string ?? ""), device.id, reply["driver"]?.string ?? ""))
    }
}
