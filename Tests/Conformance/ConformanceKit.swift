import DMADev
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
        + fenceCases + addressCases

    /// Every case on every device that it is about.
    public static let runs: [ConformanceRun] = cases.flatMap { row in
        ConformanceConfiguration.all.filter(row.scope.includes).map { ConformanceRun(row, $0) }
    }

    private let allowsPageFaults: Bool
    private let makeDevice: @Sendable (ConformanceOptions) throws -> DMADevice

    /// A kit for the devices of one driver.
    ///
    /// - Parameters:
    ///   - allowsPageFaults: whether cases may make operations fault. ThreadSanitizer does not survive the jump out of
    ///     its own copy function.
    ///   - makeDevice: adds a fresh device to the registry of the options, under the name there. Called from any thread.
    public init(
        allowsPageFaults: Bool = !ThreadSanitizer.isActive,
        makeDevice: @escaping @Sendable (ConformanceOptions) throws -> DMADevice
    ) {
        self.allowsPageFaults = allowsPageFaults
        self.makeDevice = makeDevice
    }

    /// Runs one case on one device; whatever the device does wrong is recorded as an issue.
    @discardableResult
    public func run(_ run: ConformanceRun) throws -> ConformanceOutcome {
        let bench = try ConformanceBench(run, makeDevice)
        if let reason = reasonToSkip(run, bench.device.properties) { return .skipped(reason) }
        try bench.perform()
        return .passed
    }

    /// What ``run(_:)`` would skip and why, by case, without running anything.
    public func report() throws -> [String: SkipReason] {
        var skipped: [String: SkipReason] = [:]
        let properties = try makeDevice(ConformanceOptions(sharesEngine: false)).properties
        for run in Self.runs {
            if let reason = reasonToSkip(run, properties) { skipped[run.row.name] = reason }
        }
        return skipped
    }

    private func reasonToSkip(_ run: ConformanceRun, _ properties: DeviceProperties) -> SkipReason? {
        let missing = run.row.needs.subtracting(properties.capabilities)
        if !missing.isEmpty { return .lacks(missing) }
        if run.row.movesData {
            if properties.capabilities.isDisjoint(with: .movingOperations) { return .lacks(.movingOperations) }
            // The cases name memory by its addresses in this process.
            if !properties.capabilities.contains(.sva) { return .lacks(.sva) }
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
    /// Whether its engine has to serve other devices too: all that are made with this, also for other cases.
    public let sharesEngine: Bool
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
