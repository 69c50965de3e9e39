internal import DMADev

/// All drivers for `--device`.
///
/// A new driver is a separate module and one row here: a file like `SoftwareRow.swift`.
public enum DriverTable {
    /// Drivers that do not need an inner driver.
    static let basic: [DriverDescription] = [.software, .controller]
    /// Every driver.
    public static let all = basic + [.fault]

    /// Finds a driver by name; `nil`: unknown.
    public static func driver(named name: String) -> DriverDescription? {
        all.first { $0.name == name }
    }

    /// Every driver with its keys, as text for a program's help.
    public static let help = all.map(\.help).joined(separator: "\n")
}

/// One driver: its name, its keys, and the function that makes a device.
public struct DriverDescription: Sendable {
    /// The first word of a specification.
    public let name: String
    /// A one-line description.
    public let summary: String
    /// Its keys, in addition to `name`.
    public let keys: [DriverKey]
    /// Makes the driver's side of one device. Values have been checked against `keys`.
    let make: @Sendable (DeviceSpecification, EngineSet) throws(DMAError) -> any DMADriver

    /// The driver and its keys as help text, in lines of at most 74 characters.
    public var help: String {
        let rows = [DriverKey.name] + keys
        let width = (rows.map(\.name.count).max() ?? 0) + 5
        let lines = rows.flatMap { key in
            let text = wrap("\(key.summary); \(key.allowed)", width: 74 - width)
            return text.enumerated().map { number, line in
                let start = number == 0 ? "  \(key.name)=" : ""
                return start + String(repeating: " ", count: width - start.count) + line
            }
        }
        return (["\(name): \(summary)"] + lines).joined(separator: "\n")
    }
}

/// The text in lines of at most `width` characters, as far as its words allow.
private func wrap(_ text: String, width: Int) -> [String] {
    text.split(separator: " ").reduce(into: []) { lines, word in
        if let last = lines.last, last.count + 1 + word.count <= width {
            lines[lines.count - 1] += " \(word)"
        } else {
            lines.append(String(word))
        }
    }
}
