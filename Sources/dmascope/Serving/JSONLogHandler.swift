import CommandSupport
import Glibc
import LinuxSystem
import Logging
import TelemetryWire

/// Writes each message as a JSON object on one line: `time` (RFC 3339, UTC), `level`, `label`, `message`, and
/// `metadata` if there is any.
struct JSONLogHandler: LogHandler {
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    let label: String

    init(label: String) {
        self.label = label
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let provided = metadataProvider?.get() ?? [:]
        let all = metadata.merging(provided) { $1 }.merging(event.metadata ?? [:]) { $1 }
        var line = JSONValue.object()
        line.set("time", Self.time(nanoseconds: MonotonicTime.wallClockNanoseconds))
        line.set("level", event.level.rawValue)
        line.set("label", label)
        line.set("message", event.message.description)
        if let error = event.error { line.set("error", "\(error)") }
        if !all.isEmpty { line.set("metadata", Self.json(.dictionary(all))) }
        // One write call, so that lines of several threads do not mix.
        StandardStreams.show(line.text + "\n")
    }

    private static func json(_ value: Logger.MetadataValue) -> JSONValue {
        switch value {
        case .string(let text): return JSONValue(text)
        case .stringConvertible(let value): return JSONValue(value.description)
        case .array(let values):
            var array = JSONValue.array()
            for value in values { array.append(json(value)) }
            return array
        case .dictionary(let members):
            var object = JSONValue.object()
            for (name, value) in members.sorted(by: { $0.key < $1.key }) { object.set(name: name, json(value)) }
            return object
        }
    }

    /// For example `2026-01-31T12:00:00.123456Z`.
    static func time(nanoseconds: UInt64) -> String {
        var seconds = time_t(clamping: nanoseconds / 1_000_000_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let date = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { buffer in
            let count = strftime(buffer.baseAddress, buffer.count, "%Y-%m-%dT%H:%M:%S", &parts)
            return String(decoding: UnsafeRawBufferPointer(buffer)[..<count], as: UTF8.self)
        }
        let microseconds = "\(nanoseconds / 1000 % 1_000_000)"
        return "\(date).\(String(repeating: "0", count: 6 - microseconds.count))\(microseconds)Z"
    }
}
