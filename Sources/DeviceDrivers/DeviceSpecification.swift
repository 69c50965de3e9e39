internal import DMADev
internal import LinuxSystem
public import SystemPackage

/// The text form of a device: `software,name=dma0,engine=e0,vchans=8`.
///
/// A driver's name, then keys with values, in any order, each at most once.
public struct DeviceSpecification: Sendable {
    /// The error of an invalid text, or of a device that cannot be made: what was wrong, and what is allowed.
    public struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
        /// The sentence.
        public let description: String
        /// `EINVAL` for a text, else the error of the driver or the registry.
        public let errno: Errno

        init(_ description: String, _ errno: Errno = .invalidArgument) {
            self.description = description
            self.errno = errno
        }
    }

    /// The driver that makes the device.
    public let driver: DriverDescription
    private let values: [String: String]

    /// Reads a specification.
    ///
    /// - Throws: ``Failure`` for an unknown driver or key, a repeated key, and a value out of its range.
    public init(_ text: String) throws(Failure) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard let driver = DriverTable.driver(named: parts[0]) else {
            let known = DriverTable.all.map(\.name).joined(separator: ", ")
            throw Failure(
                "there is no driver \"\(parts[0])\"; a device is DRIVER[,key=value]…, the drivers are: \(known)")
        }
        let keys = [DriverKey.name] + driver.keys
        var values: [String: String] = [:]
        for part in Self.pairs(parts.dropFirst(), keys) {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard pair.count == 2, let key = keys.first(where: { $0.name == pair[0] }) else {
                let known = keys.map(\.name).joined(separator: ", ")
                throw Failure("\"\(part)\" is not key=value of the driver \(driver.name); its keys are: \(known)")
            }
            guard key.takes(pair[1]) else {
                throw Failure("\(key.name)=\(pair[1]) is invalid; allowed: \(key.values)")
            }
            guard values.updateValue(pair[1], forKey: key.name) == nil else {
                throw Failure("\(key.name)= is repeated in \"\(text)\"; give it once")
            }
        }
        self.driver = driver
        self.values = values
    }

    /// The parts of a text with the lists put together again: what follows a list and is no `key=value` belongs to it.
    private static func pairs(_ parts: some Sequence<String>, _ keys: [DriverKey]) -> [String] {
        parts.reduce(into: []) { pairs, part in
            if !part.contains("="), let last = pairs.last,
                keys.contains(where: { $0.isList && last.hasPrefix("\($0.name)=") })
            {
                pairs[pairs.count - 1] = "\(last),\(part)"
            } else {
                pairs.append(part)
            }
        }
    }

    /// The specification for another driver, with only the keys that it has.
    func passed(to driver: DriverDescription) -> DeviceSpecification {
        DeviceSpecification(driver: driver, values: values.filter { key, _ in driver.keys.contains { $0.name == key } })
    }

    private init(driver: DriverDescription, values: [String: String]) {
        self.driver = driver
        self.values = values
    }

    /// The device's name; `nil`: not given.
    public var name: String? { values[DriverKey.name.name] }

    /// The value of a key as it was given.
    func text(_ key: DriverKey) -> String? { values[key.name] }

    /// The value of a key that takes a name.
    func name(_ key: DriverKey) -> String? { values[key.name] }

    /// The value of a key that takes a number.
    func number(_ key: DriverKey) -> UInt16? { values[key.name].flatMap(DriverKey.number) }

    /// The value of a key that takes processors.
    func processors(_ key: DriverKey) -> ProcessorSet? { values[key.name].flatMap { ProcessorSet($0) } }

    /// The value of a key that takes capabilities.
    func capabilities(_ key: DriverKey) -> Capabilities? { values[key.name].flatMap(DriverKey.capabilities) }
}
