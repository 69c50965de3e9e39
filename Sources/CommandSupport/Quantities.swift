import ArgumentParser

/// A number of bytes with an optional unit: `4096`, `64K`, `1M`, `1GiB`.
package struct ByteCount: ExpressibleByArgument, Equatable {
    package let bytes: Int

    package init(_ bytes: Int) {
        self.bytes = bytes
    }

    package init?(argument: String) {
        let digits = argument.prefix { $0.isASCII && $0.isNumber }
        guard let shift = Self.shifts[argument.dropFirst(digits.count).uppercased()], let number = Int(digits) else {
            return nil
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
        guard !overflow else { return nil }
        self.bytes = bytes
    }

    package var defaultValueDescription: String {
        let shift = [30, 20, 10].first { bytes >= 1 << $0 && bytes % (1 << $0) == 0 } ?? 0
        return "\(bytes >> shift)\(["", "K", "M", "G"][shift / 10])"
    }

    /// The number with a unit, as `1.5 MiB`.
    package var text: String { Quantity.bytes(Double(bytes)) }

    private static let shifts = [
        "": 0, "B": 0, "K": 10, "KB": 10, "KIB": 10, "M": 20, "MB": 20, "MIB": 20, "G": 30, "GB": 30, "GIB": 30,
    ]
}

/// A number with `places` digits after the decimal point.
package func decimal(_ value: Double, places: Int) -> String {
    let scale = (0..<places).reduce(1.0) { scale, _ in scale * 10 }
    let scaled = (value * scale).rounded()
    guard scaled.magnitude < 1e15 else { return "\(value)" }
    let digits = "\(Int(scaled.magnitude))"
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    let sign = scaled < 0 ? "-" : ""
    return places == 0 ? sign + padded : "\(sign)\(padded.dropLast(places)).\(padded.suffix(places))"
}

/// Figures as text, with three digits and a unit. Bytes have binary units (KiB is 1024 bytes), all else has decimal ones.
/// `format.js` of the live page has the same units and digits; a test compares them.
package enum Quantity {
    private static let prefixes = ["", " k", " M", " G", " T", " P"]
    private static let byteUnits = [" B", " KiB", " MiB", " GiB", " TiB", " PiB"]
    private static let timeUnits = [" ns", " µs", " ms", " s"]

    /// A number of bytes, as `1.50 MiB`.
    package static func bytes(_ value: Double) -> String {
        scaled(value < 1023.5 ? value.rounded() : value, byteUnits, base: 1024)
    }

    /// A number, as `950` or `12.3 k`: a rate or a count.
    package static func count(_ value: Double) -> String {
        scaled(value < 999.5 && value >= 9.995 ? value.rounded() : value, prefixes, base: 1000)
    }

    /// A time, as `640 ns` or `1.28 µs`.
    package static func time(nanoseconds value: Double) -> String { scaled(value, timeUnits, base: 1000) }

    private static func scaled(_ value: Double, _ units: [String], base: Double) -> String {
        guard value.isFinite else { return "-" }
        var (value, unit) = (value, 0)
        while value >= base - 0.5, unit < units.count - 1 {
            value /= base
            unit += 1
        }
        let isWhole = value == value.rounded() || value >= 99.95
        return decimal(value, places: isWhole ? 0 : value >= 9.995 ? 1 : 2) + units[unit]
    }
}
