import DMADev
import TestSupport
import Testing

/// What any driver must do, in one place.
///
/// A driver's test calls it in two lines, and Swift Testing says which case failed on which device:
///
///     @Test(arguments: ConformanceKit.runs)
///     func conforms(run: ConformanceRun) throws { try kit.run(run) }
///
/// A case that asks for what the device does not offer is skipped, and says so: ``report()`` lists all of them. A new
/// case is a function and one row in the table of its file under `Cases`.
public struct ConformanceKit: Sendable {
    /// Every case, by topic.
    public static let cases: [ConformanceCase] =
        deviceCases + copyCases + scatterGatherCases + fillCases + ringCases + pollingCases + stopCases + counterCases
        + fenceCases + addressCases + detailCases + inFlightCases + silentCases + structureCases + deviceMemoryCases
        + autoFreeCases + mappingCases + regionCases + attachmentCases + priorityCases

    /// Every case on every device that it is about.
    public static let runs: [ConformanceRun] = cases.flatMap { row in
        ConformanceConfiguration.all.filter(row.scope.includes).map { ConformanceRun(row, $0) }
    }

    private let variants: DeviceVariants
    private let allowsPageFaults: Bool
    private let makeMemory: MakeMemory?
    private let makeDevice: @Sendable (ConformanceOptions) throws -> DMADevice

    /// Makes what cases on one device get their memory from.
    public typealias MakeMemory = @Sendable (DMADevice) throws -> any ConformanceMemory

    /// A kit for the devices of one driver.
    ///
    /// - Parameters:
    ///   - variants: which wishes of the options `makeDevice` heeds; cases that have others are skipped.
    ///   - allowsPageFaults: whether cases may make operations fault. ThreadSanitizer does not survive the jump out of
    ///     its own copy function.
    ///   - reachesFiles: whether the devices reach memory behind a descriptor of the caller's. Those of a guest do not.
    ///   - makeMemory: for devices without SVA that reach only memory of their own kind.
    ///   - makeDevice: adds a fresh device to the registry of the options, under the name there. Called from any thread.
    public init(
        variants: DeviceVariants = [], allowsPageFaults: Bool = !ThreadSanitizer.isActive,
        reachesFiles: Bool = true, makeMemory: MakeMemory? = nil,
        makeDevice: @escaping @Sendable (ConformanceOptions) throws -> DMADevice
    ) {
        self.variants = reachesFiles ? variants.union(.files) : variants
        self.allowsPageFaults = allowsPageFaults
        self.makeMemory = makeMemory
        self.makeDevice = makeDevice
    }

    /// Runs one case on one device; whatever the device does wrong is recorded as an issue.
    @discardableResult
    public func run(_ run: ConformanceRun) throws -> ConformanceOutcome {
        if let reason = notMade(run) { return .skipped(reason) }
        let bench = try ConformanceBench(run, makeDevice, makeMemory, reachesAll: reachesAll(run))
        if let reason = notOffered(run, bench.device.properties) { return .skipped(reason) }
        try bench.perform()
        return .passed
    }

    /// What ``run(_:)`` would skip and why, by case, without running anything.
    public func report() throws -> [String: SkipReason] {
        var skipped: [String: SkipReason] = [:]
        let properties = try makeDevice(ConformanceOptions()).properties
        for run in Self.runs {
            if let reason = notMade(run) ?? notOffered(run, properties) { skipped[run.row.name] = reason }
        }
        return skipped
    }

    /// Whether a device without SVA reaches the memory of the case nevertheless.
    private func reachesAll(_ run: ConformanceRun) -> Bool {
        variants.contains(.everythingMapped) || run.row.variant.contains(.withoutSVA) || makeMemory != nil
    }

    private func notMade(_ run: ConformanceRun) -> SkipReason? {
        let missing = run.row.variant.subtracting(variants)
        return missing.isEmpty ? nil : .notMade(missing)
    }

    private func notOffered(_ run: ConformanceRun, _ properties: DeviceProperties) -> SkipReason? {
        let missing = run.row.needs.subtracting(properties.capabilities)
        if !missing.isEmpty { return .lacks(missing) }
        if run.row.movesData {
            if properties.capabilities.isDisjoint(with: .movingOperations) { return .lacks(.movingOperations) }
            // Most cases name memory by its addresses in this process.
            if !properties.capabilities.contains(.sva), !reachesAll(run) { return .lacks(.sva) }
        }
        return run.row.faults && !allowsPageFaults ? .pageFaults : nil
    }
}

/// What a driver's test makes a device with.
public struct ConformanceOptions: Sendable {
    /// Where the device belongs.
    public let registry = DeviceRegistry()
    /// What it is to be called.
    public let name = "conformance"
    /// The name of its engine, which serves all devices that are made with the same one, also for other cases; `nil`: an
    /// engine of its own.
    public var engine: String?
    /// The ports that devices with memory are to be behind: the port's fields as one word, and the bytes there, zeroed.
    public var deviceMemory: [PCIePort: Int] = [:]
    /// Whether the device is to have no SVA, and nothing mapped.
    public var isWithoutSVA = false

    /// Whether its engine has to serve other devices too.
    public var sharesEngine: Bool { engine != nil }
}

/// Wishes of ``ConformanceOptions`` beyond the plain device.
public struct DeviceVariants: OptionSet, Sendable, Hashable {
    /// The bits.
    public let rawValue: Int

    /// Variants from their bits.
    public init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// Devices that name the same engine share it.
    public static let sharedEngine = DeviceVariants(rawValue: 1 << 0)
    /// Devices behind ports.
    public static let deviceMemory = DeviceVariants(rawValue: 1 << 1)
    /// Devices without SVA.
    public static let withoutSVA = DeviceVariants(rawValue: 1 << 2)
    /// What has no SVA without having been asked for it reaches all memory of the process nevertheless: each byte is
    /// mapped under its own address.
    public static let everythingMapped = DeviceVariants(rawValue: 1 << 3)
    /// Devices that reach memory behind a descriptor of the caller's: a parameter of the kit.
    public static let files = DeviceVariants(rawValue: 1 << 4)
    /// All of them that a driver's test chooses.
    public static let all: DeviceVariants = [.sharedEngine, .deviceMemory, .withoutSVA, .everythingMapped]
}

/// How a run ended, beside the issues that it recorded.
public enum ConformanceOutcome: Sendable, Equatable {
    /// The case ran to its end.
    case passed
    /// The case does not apply.
    case skipped(SkipReason)
}

/// Why a case does not apply.
public enum SkipReason: Sendable, Equatable {
    /// The device does not offer something that the case uses.
    case lacks(Capabilities)
    /// The driver's test makes no such devices.
    case notMade(DeviceVariants)
    /// The kit was told to leave page faults out.
    case pageFaults
}

/// A case on a device.
public struct ConformanceRun: Sendable, CustomTestStringConvertible {
    let row: ConformanceCase
    let configuration: ConformanceConfiguration

    init(_ row: ConformanceCase, _ configuration: ConformanceConfiguration) {
        self.row = row
        self.configuration = configuration
    }

    /// Whether it is the first of the case's runs: enough for a test that is about something else.
    public var isFirst: Bool { configuration == ConformanceConfiguration.all.first(where: row.scope.includes) }

    /// The case and the device, for the line of a failed test.
    public var testDescription: String { "\(row.name) – \(configuration)" }
}

extension Capabilities {
    /// One of these has to be there for anything to move.
    static let movingOperations: Capabilities = [.copy, .copyScatterGather, .fill]
}
