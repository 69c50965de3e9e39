internal import DMADev

/// The text form of a plan: `fail=10:invalid_src_addr,every=100:bus_error,delay=5ms,freeze=1000,halt=5000:sticky`.
extension FaultPlan {
    /// One setting of the text form: `key=value`.
    public struct Key: Sendable {
        /// The key.
        public let name: String
        /// A one-line description for the help.
        public let summary: String
        /// The allowed values, as text.
        public let allowed: String
        let read: @Sendable (inout FaultPlan, String) -> Bool
    }

    /// The error of an invalid text: what was wrong, and what is allowed.
    public struct ParseError: Error, Sendable, Equatable, CustomStringConvertible {
        /// The sentence.
        public let description: String
    }

    /// Every key; each may be given once, in any order.
    public static let keys: [Key] = [
        Key(
            name: "fail", summary: "operations that fail, by number, counted from 1 in each channel", allowed: failures
        ) { plan, text in plan.addFailures(text) { .number($0) } },
        Key(name: "every", summary: "every N-th operation fails", allowed: failures) { plan, text in
            plan.addFailures(text) { .every($0) }
        },
        Key(name: "from", summary: "all operations from the N-th on fail", allowed: failures) { plan, text in
            plan.addFailures(text) { .from($0) }
        },
        Key(
            name: "delay", summary: "delay from the end of an operation to its visible completion",
            allowed: "a whole number with ns, us, ms or s, up to 3600s"
        ) { plan, text in
            guard let delay = duration(text), delay <= longestDelay else { return false }
            plan.delay = delay
            return true
        },
        Key(
            name: "freeze", summary: "from the N-th operation on, its channel completes nothing", allowed: outage
        ) { plan, text in
            plan.freeze = readOutage(text)
            return plan.freeze != nil
        },
        Key(name: "halt", summary: "the N-th operation halts the device", allowed: outage) { plan, text in
            plan.halt = readOutage(text)
            return plan.halt != nil
        },
        importKey(.match, "of the device's decisions about an interconnect"),
        importKey(.map, "of the device's mappings of an exporter's buffer"),
        importKey(.unmap, "of the device's unmappings of such a buffer"),
        importKey(.revoke, "of the device's releases of such a buffer for a revocation"),
    ]

    private static func importKey(_ step: ImportStep, _ calls: String) -> Key {
        Key(
            name: step.rawValue, summary: "those \(calls) that fail, counted from 1",
            allowed: "N:ERROR, several joined with +; N from 1, or N.. for the N-th and all later ones, ERROR one of "
                + importErrors.map(\.name).joined(separator: " ")
        ) { plan, text in plan.addImportFailures(step, text) }
    }

    private mutating func addImportFailures(_ step: ImportStep, _ text: String) -> Bool {
        for part in text.split(separator: "+", omittingEmptySubsequences: false) {
            let pair = part.split(separator: ":", omittingEmptySubsequences: false)
            guard pair.count == 2, let row = Self.importErrors.first(where: { $0.name == pair[1] }) else {
                return false
            }
            let isOpen = pair[0].hasSuffix("..")
            guard let number = Self.number(isOpen ? pair[0].dropLast(2) : pair[0]) else { return false }
            importFailures.append(ImportFailure(step, isOpen ? .from(number) : .number(number), row.errno))
        }
        return true
    }

    private static let failures =
        "N:STATUS, several joined with +; N from 1, STATUS one of "
        + failingStatuses.map(\.name).joined(separator: " ")
    private static let outage = "N from 1, or N:sticky to continue after a restart"

    /// Parses a plan: keys with values, separated by commas. An empty text is an empty plan.
    ///
    /// - Throws: ``ParseError`` for an unknown or repeated key, and for an invalid value.
    public init(parsing text: String) throws(ParseError) {
        self.init()
        var given: Set<String> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: text.isEmpty) {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard pair.count == 2 else {
                throw ParseError(description: "\"\(part)\" is not key=value; \(Self.knownKeys)")
            }
            guard given.insert(pair[0]).inserted else {
                throw ParseError(description: "\(pair[0])= is repeated in \"\(text)\"; give it once")
            }
            try set(pair[0], to: pair[1])
        }
    }

    /// Sets one key.
    ///
    /// - Throws: ``ParseError`` for an unknown key or an invalid value.
    public mutating func set(_ name: String, to value: String) throws(ParseError) {
        guard let key = Self.keys.first(where: { $0.name == name }) else {
            throw ParseError(description: "a fault plan has no key \"\(name)\"; \(Self.knownKeys)")
        }
        guard key.read(&self, value) else {
            throw ParseError(description: "\(name)=\(value) is invalid; allowed: \(key.allowed)")
        }
    }

    private static var knownKeys: String { "its keys are: \(keys.map(\.name).joined(separator: ", "))" }

    private mutating func addFailures(_ text: String, _ operations: (UInt64) -> Operations) -> Bool {
        for part in text.split(separator: "+", omittingEmptySubsequences: false) {
            let pair = part.split(separator: ":", omittingEmptySubsequences: false)
            guard pair.count == 2, let number = Self.number(pair[0]),
                let row = Self.failingStatuses.first(where: { $0.name == pair[1] })
            else { return false }
            failures.append(Failure(operations(number), row.status))
        }
        return true
    }

    private static func readOutage(_ text: String) -> Outage? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let number = number(parts[0]), parts.count == 1 || parts[1] == "sticky" else {
            return nil
        }
        return Outage(from: number, isSticky: parts.count == 2)
    }

    private static func duration(_ text: String) -> Duration? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        // A larger number could overflow; it exceeds the maximum delay in any case.
        guard let count = Int64(digits), count <= 3_600_000_000_000 else { return nil }
        return switch text.dropFirst(digits.count) {
        case "ns": .nanoseconds(count)
        case "us", "µs": .microseconds(count)
        case "ms": .milliseconds(count)
        case "s": .seconds(count)
        default: nil
        }
    }

    private static func number(_ text: Substring) -> UInt64? {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return UInt64(text).flatMap { $0 > 0 ? $0 : nil }
    }
}
