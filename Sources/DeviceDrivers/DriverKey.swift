public import DMADev
internal import LinuxSystem

/// One setting of a specification: `key=value`.
public struct DriverKey: Sendable {
    /// The kinds of value.
    public enum Kind: Sendable {
        /// A name of 1 to 63 bytes, without comma and white space.
        case name
        /// A whole number.
        case number(ClosedRange<UInt16>)
        /// A subset of these: bits as a hexadecimal number, or names joined with `+`.
        case capabilities(Capabilities)
        /// A list of processors as the kernel writes it: `0-2,5`. Its commas are those of the specification.
        case processors
        /// Values that a function accepts; `allowed` describes them.
        case text(allowed: String, takes: @Sendable (String) -> Bool)
    }

    /// The key.
    public let name: String
    /// A one-line description for the help.
    public let summary: String
    /// The allowed values.
    public let kind: Kind
    /// The default, as text.
    public let standard: String

    /// The name of a device, a key of every driver.
    public static let name = DriverKey(
        name: "name", summary: "the device's name", kind: .name, standard: "dma0, dma1, …")

    /// The allowed values and the default, as text.
    public var allowed: String {
        "\(values); default \(standard)"
    }

    /// The allowed values, as text.
    var values: String {
        switch kind {
        case .name: "1 to 63 bytes without comma and white space"
        case .number(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .capabilities(let all):
            "bits of 0x\(String(all.rawValue, radix: 16)), or names joined with +: \(all.names.joined(separator: " "))"
        case .processors: "numbers and ranges from 0 to \(ProcessorSet.maximumNumber), such as 0-2,5"
        case .text(let allowed, _): allowed
        }
    }

    /// Whether a value is allowed.
    func takes(_ text: String) -> Bool {
        switch kind {
        case .name: (1...63).contains(text.utf8.count) && !text.contains(where: \.isWhitespace)
        case .number(let range): Self.number(text).map(range.contains) ?? false
        case .capabilities(let all): Self.capabilities(text).map { $0.isSubset(of: all) } ?? false
        case .processors: ProcessorSet(text) != nil
        case .text(_, let takes): takes(text)
        }
    }

    /// Whether a value may contain commas.
    var isList: Bool {
        if case .processors = kind { return true }
        return false
    }

    static func number(_ text: String) -> UInt16? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? UInt16(text) : nil
    }

    static func capabilities(_ text: String) -> Capabilities? {
        if text.hasPrefix("0x") { return UInt64(text.dropFirst(2), radix: 16).map(Capabilities.init(rawValue:)) }
        var result: Capabilities = []
        for name in text.split(separator: "+", omittingEmptySubsequences: false) {
            guard let row = Capabilities.table.first(where: { $0.name == name }) else { return nil }
            result.insert(row.capability)
        }
        return result
    }
}
