import ArgumentParser

/// A number of bytes with an optional unit: `4096`, `64K`, `1M`, `1GiB`.
struct ByteCount: ExpressibleByArgument, Equatable {
    let bytes: Int

    init(_ bytes: Int) {
        self.bytes = bytes
    }

    init?(argument: String) {
        let digits = argument.prefix { $0.isASCII && $0.isNumber }
        guard let shift = Self.shifts[argument.dropFirst(digits.count).uppercased()], let number = Int(digits) else {
            return nil
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
        guard !overflow else { return nil }
        self.bytes = bytes
    }

    var defaultValueDescription: String {
        let shift = [30, 20, 10].first { bytes >= 1 << $0 && bytes % (1 << $0) == 0 } ?? 0
        return "\(bytes >> shift)\(["", "K", "M", "G"][shift / 10])"
    }

    /// The number with a unit, as `1.5 MiB`.
    var text: String { Self.text(Double(bytes)) }

    static func text(_ bytes: Double) -> String {
        guard bytes >= 1024 else { return "\(Int(bytes)) B" }
        var value = bytes / 1024
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return "\(decimal(value, places: 1)) \(units[unit])"
    }

    private static let units = ["KiB", "MiB", "GiB", "TiB", "PiB"]
    private static let shifts = [
        "": 0, "B": 0, "K": 10, "KB": 10, "KIB": 10, "M": 20, "MB": 20, "MIB": 20, "G": 30, "GB": 30, "GIB": 30,
    ]
}

/// A number with `places` digits after the decimal point.
func decimal(_ value: Double, places: Int) -> String {
    let scale = (0..<places).reduce(1.0) { scale, _ in scale * 10 }
    let scaled = (value * scale).rounded()
    guard scaled.magnitude < 1e15 else { return "\(value)" }
    let digits = "\(Int(scaled.magnitude))"
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    let sign = scaled < 0 ? "-" : ""
    return places == 0 ? sign + padded : "\(sign)\(padded.dropLast(places)).\(padded.suffix(places))"
}

/// A number with a decimal prefix, in at most six characters: `950`, `12.3 k`, `1.20 M`.
func metric(_ value: Double) -> String {
    guard value.isFinite else { return "-" }
    var (value, unit) = (value, 0)
    while value >= 999.5, unit < metricUnits.count {
        value /= 1000
        unit += 1
    }
    let number = threeDigits(value, isWhole: unit == 0)
    return unit == 0 ? number : "\(number) \(metricUnits[unit - 1])"
}

/// Nanoseconds with a suitable unit: `640 ns`, `1.28 us`.
func timeText(nanoseconds: Double) -> String {
    var (value, unit) = (nanoseconds, 0)
    while value >= 999.5, unit < timeUnits.count - 1 {
        value /= 1000
        unit += 1
    }
    return "\(threeDigits(value, isWhole: unit == 0 && value == value.rounded())) \(timeUnits[unit])"
}

private func threeDigits(_ value: Double, isWhole: Bool) -> String {
    decimal(value, places: isWhole || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2)
}

private let metricUnits = ["k", "M", "G", "T", "P"]
private let timeUnits = ["ns", "us", "ms", "s"]

extension Duration {
    /// The duration in seconds.
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
