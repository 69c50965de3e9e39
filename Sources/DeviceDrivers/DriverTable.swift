internal import DMADev

/// The drivers that a device can be made with, by name.
///
/// A new driver is a module of its own and one row here: a file like `SoftwareRow.swift`.
public enum DriverTable {
    /// Every driver.
    public static let all: [DriverDescription] = [.software]

    /// The driver with a name.
    public static func driver(named name: String) -> DriverDescription? {
        all.first { $0.name == name }
    }

    /// Every driver with its keys, for people: what a program's help shows.
    public static var help: String {
        all.map(\.help).joined(separator: "\n")
    }
}

/// One driver: what it is called, which keys a specification may give it, and how it makes a device.
public struct DriverDescription: Sendable {
    /// The driver's name: a specification begins with it.
    public let name: String
    /// What it is, in one line.
    public let summary: String
    /// What may be set, beside the name that every device has.
    public let keys: [DriverKey]
    /// Makes the driver's side of one device. Values have been checked against `keys`.
    let make: @Sendable (DeviceSpecification, EngineSet) throws(DMAError) -> any DMADriver

    /// The driver and its keys, for people.
    public var help: String {
        let rows = ([.name] + keys).map { ("\($0.name)=", "\($0.summary); \($0.allowed)") }
        let width = rows.map(\.0.count).max() ?? 0
        let lines = rows.map { "  \($0)\(String(repeating: " ", count: width - $0.count))  \($1)" }
        return (["\(name): \(summary)"] + lines).joined(separator: "\n")
    }
}
