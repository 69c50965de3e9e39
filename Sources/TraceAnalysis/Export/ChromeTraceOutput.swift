/// The text of Chrome's trace-event format, written in pieces. Times are microseconds since the first event, with three
/// decimals: viewers keep them as floating-point numbers, which have no room for nanoseconds since 1970.
final class ChromeTraceOutput {
    /// The time that is 0 in the output, in nanoseconds since 1970.
    var start: Int64 = 0
    /// Whether a piece could not be written.
    private(set) var hasFailed = false
    private let write: ([UInt8]) -> Bool
    private var bytes = Array(#"{"displayTimeUnit":"ns","traceEvents":["#.utf8)
    private var isFirst = true

    /// - Parameter write: writes a piece; `false` if it could not.
    init(_ write: @escaping ([UInt8]) -> Bool) { self.write = write }

    /// One event.
    ///
    /// - Parameters:
    ///   - phase: `ph` of the format: `X` a slice, `b` and `e` the ends of an asynchronous one, `s`, `t` and `f` of an arrow,
    ///     `C` a counter, `i` an instant, `M` a name.
    ///   - name: its name, as JSON.
    ///   - members: others, as JSON with a comma before each.
    func add(_ phase: Character, _ name: String, _ track: ChromeTrack, at time: Int64?, _ members: String = "") {
        var text = isFirst ? "\n" : ",\n"
        isFirst = false
        text += "{\"ph\":\"\(phase)\",\"name\":\(name),\"pid\":\(track.process),\"tid\":\(track.thread)"
        if let time { text += ",\"ts\":\(Self.microseconds(max(0, time - start)))" }
        text += members
        text += "}"
        bytes += text.utf8
        if bytes.count >= 1 << 16 { flush() }
    }

    /// Closes the list of events, and ends the text with what is known about all.
    func end(_ members: String) {
        bytes += "\n],\"otherData\":{\(members)}}\n".utf8
        flush()
    }

    private func flush() {
        if !hasFailed, !write(bytes) { hasFailed = true }
        bytes.removeAll(keepingCapacity: true)
    }

    /// Nanoseconds as microseconds.
    static func microseconds(_ nanoseconds: Int64) -> String {
        let rest = nanoseconds % 1000
        return "\(nanoseconds / 1000).\(rest < 100 ? "0" : "")\(rest < 10 ? "0" : "")\(rest)"
    }

    /// A text as JSON.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

/// A row in the viewer: the numbers of a process and of a thread, which is none of the system.
struct ChromeTrack: Hashable {
    let process: Int
    let thread: Int
}
