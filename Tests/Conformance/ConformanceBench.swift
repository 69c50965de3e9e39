import DMADev
import Dispatch
import Glibc
import Synchronization
import TestSupport
import Testing

/// A device on the bench: made, set up as a run asks for, and taken down when the case has ended.
final class ConformanceBench {
    let device: DMADevice
    let run: ConformanceRun
    let options: ConformanceOptions
    private let makeDevice: (ConformanceOptions) throws -> DMADevice
    private let makeMemory: ConformanceKit.MakeMemory?
    private let reachesAll: Bool

    /// The engine of all devices whose configuration says that they share one.
    static let busyEngine = "conformance"
    /// Two devices behind ports, by the port's fields: bytes.
    static let ports = [PCIePort(core: 3), PCIePort(physicalFunction: 1, virtualFunction: 2)]
    static let deviceMemory = [ports[0]: 10_007, ports[1]: 1 << 20]

    init(
        _ run: ConformanceRun, _ makeDevice: @escaping (ConformanceOptions) throws -> DMADevice,
        _ makeMemory: ConformanceKit.MakeMemory?, reachesAll: Bool
    ) throws {
        self.run = run
        self.makeMemory = makeMemory
        self.reachesAll = reachesAll
        self.makeDevice = makeDevice
        options = ConformanceOptions(
            engine: run.configuration.sharesEngine ? Self.busyEngine : nil,
            deviceMemory: run.row.variant.contains(.deviceMemory) ? Self.deviceMemory : [:],
            isWithoutSVA: run.row.variant.contains(.withoutSVA))
        device = try makeDevice(options)
    }

    func perform() throws {
        if case .freshDevice = run.row.scope {
            try CaseMemory.$current.withValue(makeMemory?(device)) { try run.row.body(self) }
        } else {
            let neighbour = run.configuration.sharesEngine ? try BusyNeighbour(makeDevice, makeMemory) : nil
            try setUpAndStart()
            try CaseMemory.$current.withValue(makeMemory?(device)) { try run.row.body(self) }
            try neighbour?.finish()
        }
        guard options.registry.isValid(device.id) else { return }
        try device.stop()
        try device.close()
    }

    var properties: DeviceProperties { device.properties }
    var channelCount: UInt16 { min(run.configuration.channelCount, properties.maximumVirtualChannelCount) }
    var descriptorCount: UInt16 { run.configuration.descriptorCount(for: properties) }

    /// Configures the device and its channels in the case's mode, and starts it.
    func setUpAndStart() throws {
        try device.configure(DeviceConfiguration(virtualChannelCount: channelCount, flags: run.row.mode))
        for vchan in 0..<channelCount {
            try device.setUpVirtualChannel(
                vchan, configuration: VirtualChannelConfiguration(descriptorCount: descriptorCount))
        }
        try device.start()
    }

    /// Configures the device with such channels, in their order, and starts it.
    func start(
        _ configurations: [VirtualChannelConfiguration], flags: ConfigurationFlags = []
    ) throws -> [VirtualChannel] {
        try device.start(configurations, flags: flags)
    }

    /// Another device on the engine of that name, started with one channel for data of the process.
    func makeDevice(onEngine engine: String, priority: UInt16, descriptorCount: UInt16) throws -> DMADevice {
        let device = try makeDevice(ConformanceOptions(engine: engine))
        _ = try device.start([VirtualChannelConfiguration(descriptorCount: descriptorCount)], priority: priority)
        return device
    }

    /// The channel that most cases use: the last one.
    func channel() throws -> VirtualChannel { try device.virtualChannel(channelCount - 1) }

    func channels() throws -> [VirtualChannel] {
        try (0..<channelCount).map { try device.virtualChannel($0) }
    }

    /// Whether the device offers any operation, and reaches the memory of cases.
    var movesData: Bool {
        !properties.capabilities.isDisjoint(with: .movingOperations)
            && (reachesAll || properties.capabilities.contains(.sva))
    }

    /// A number of operations that fits into the ring.
    func burst(upTo most: Int) -> Int { min(most, Int(descriptorCount)) }

    /// Memory for a number of small operations of every kind that the device offers.
    func slab(_ slots: Int) -> Slab { Slab(slots: slots, kinds: Slab.Kind.offered(by: properties.capabilities)) }
}

extension DMADevice {
    /// Configures the device with such channels, in their order, and starts it.
    fileprivate func start(
        _ configurations: [VirtualChannelConfiguration], priority: UInt16 = 0, flags: ConfigurationFlags = []
    ) throws -> [VirtualChannel] {
        try configure(
            DeviceConfiguration(
                virtualChannelCount: UInt16(configurations.count), priority: priority, flags: flags))
        for (vchan, configuration) in configurations.enumerated() {
            try setUpVirtualChannel(UInt16(vchan), configuration: configuration)
        }
        try start()
        return try configurations.indices.map { try virtualChannel(UInt16($0)) }
    }
}

/// Does something a number of times on one thread, and something else over and over on another one meanwhile.
///
/// - Parameter prepare: makes what is to be done; called on the thread that then does it.
func alternate(
    _ times: Int, _ prepare: @Sendable () throws -> () throws -> Void, while other: @Sendable () throws -> Void,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let isDone = Atomic(false)
    let memory = CaseMemory.current
    DispatchQueue.concurrentPerform(iterations: 2) { thread in
        #expect(throws: Never.self, sourceLocation: sourceLocation) { () throws in
            try CaseMemory.$current.withValue(memory) {
                if thread == 0 {
                    defer { isDone.store(true, ordering: .releasing) }
                    let action = try prepare()
                    for _ in 0..<times { try action() }
                } else {
                    while !isDone.load(ordering: .acquiring) { try other() }
                }
            }
        }
    }
}

extension VirtualChannel {
    /// Polls until `count` operations have ended, and no longer; their statuses.
    func statuses(_ count: Int) throws -> [CompletionStatus] {
        var all: [CompletionStatus] = []
        while all.count < count {
            let wanted = min(count - all.count, 4096)
            all += try eventually("\(count) operations end") { try poll(wanted) }
        }
        return all
    }

    /// One poll; `nil` when nothing has ended.
    private func poll(_ most: Int) throws -> [CompletionStatus]? {
        let statuses = try pollStatuses(most)
        return statuses.isEmpty ? nil : statuses
    }

    /// Polls with `completed` until `count` operations have been successful.
    func successes(_ count: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
        var left = count
        while left > 0 {
            left -= try eventually("\(count) operations succeed") {
                let completions = try completed(upTo: UInt16(clamping: left))
                try #require(!completions.hasError, sourceLocation: sourceLocation)
                return completions.count > 0 ? completions.count : nil
            }
        }
    }

    /// One call of `completedStatus`.
    func pollStatuses(_ most: Int) throws -> [CompletionStatus] {
        // Room for one at least: for none, the array would write to storage that all empty arrays share.
        try [CompletionStatus](unsafeUninitializedCapacity: max(most, 1)) { buffer, count in
            buffer.initialize(repeating: CompletionStatus(rawValue: 0xDEAD))
            count = try completedStatus(into: UnsafeMutableBufferPointer(rebasing: buffer.prefix(most))).count
        }
    }

    /// Waits until everything that was rung is done, without polling.
    func waitUntilIdle() throws {
        try eventually("the channel is idle") { try device.status(of: index) == .idle }
    }
}

/// A device that keeps the shared engine busy, and wants its own work done too.
private final class BusyNeighbour {
    private let device: DMADevice
    private let channel: VirtualChannel
    private let slab: Slab

    init(
        _ makeDevice: (ConformanceOptions) throws -> DMADevice, _ makeMemory: ConformanceKit.MakeMemory?
    ) throws {
        device = try makeDevice(ConformanceOptions(engine: ConformanceBench.busyEngine))
        let count = device.properties.maximumDescriptorCount
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: count))
        try device.start()
        channel = try device.virtualChannel(0)
        slab = try CaseMemory.$current.withValue(makeMemory?(device)) { [device] in
            Slab(slots: min(Int(count), 64), kinds: Slab.Kind.offered(by: device.properties.capabilities), size: 20_000)
        }
        for slot in 0..<slab.slots { try slab.enqueue(slot, on: channel) }
        try channel.submit()
    }

    func finish() throws {
        #expect(try channel.statuses(slab.slots).allSatisfy { $0 == .successful })
        slab.expectWritten { _ in true }
        try device.stop()
        try device.close()
    }
}
