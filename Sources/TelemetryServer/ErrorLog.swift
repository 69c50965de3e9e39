import LinuxSystem

/// The last requests that were answered with null, with reasons.
struct ErrorLog {
    struct Entry {
        /// Nanoseconds since 1970.
        let time: UInt64
        /// The request's first bytes, with unprintable ones escaped.
        let request: String
        let reason: String
    }

    /// Maximum number of entries.
    static let capacity = 128
    /// Maximum number of bytes kept of a request: enough to recognise it, without using much memory.
    static let requestLength = 128

    private var ring: [Entry] = []
    private var next = 0

    /// The entries, newest first.
    var entries: [Entry] { (ring[next...] + ring[..<next]).reversed() }

    mutating func append(request: UnsafeRawBufferPointer, reason: String) {
        let entry = Entry(time: MonotonicTime.wallClockNanoseconds, request: Self.readable(request), reason: reason)
        if ring.count < Self.capacity {
            ring.append(entry)
        } else {
            ring[next] = entry
            next = (next + 1) % Self.capacity
        }
    }

    /// Printable ASCII unchanged, a backslash doubled, other bytes as `\xNN`.
    static func readable(_ bytes: UnsafeRawBufferPointer) -> String {
        var text = ""
        for byte in bytes.prefix(requestLength) {
            switch byte {
            case UInt8(ascii: "\\"): text += "\\\\"
            case 0x20...0x7E: text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += byte < 16 ? "\\x0" + String(byte, radix: 16) : "\\x" + String(byte, radix: 16)
            }
        }
        return bytes.count > requestLength ? text + "..." : text
    }
}
