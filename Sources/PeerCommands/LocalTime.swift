import Glibc

/// Points in time as text in the local time zone.
enum LocalTime {
    /// Seconds since 1970 as text; `format` is a `strftime` format.
    static func text(seconds: UInt64, format: String) -> String {
        var time = time_t(clamping: seconds)
        var parts = tm()
        guard localtime_r(&time, &parts) != nil else { return "-" }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            let count = strftime(buffer.baseAddress, buffer.count, format, &parts)
            return String(decoding: UnsafeRawBufferPointer(buffer)[..<count], as: UTF8.self)
        }
    }

    /// Nanoseconds since 1970 as text, to the millisecond.
    static func text(nanoseconds: UInt64) -> String {
        let milliseconds = "\(nanoseconds / 1_000_000 % 1000)"
        let padded = String(repeating: "0", count: 3 - milliseconds.count) + milliseconds
        return "\(text(seconds: nanoseconds / 1_000_000_000, format: "%Y-%m-%d %H:%M:%S")).\(padded)"
    }
}
