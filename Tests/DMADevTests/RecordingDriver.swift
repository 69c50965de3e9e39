import CDMADev
import DMADev
import LinuxSystem
import Synchronization

/// A driver that does nothing and notes every call, so that a test sees what the library lets through.
final class RecordingDriver: DMADriver {
    enum Call: Equatable, Sendable {
        case registered(Int16)
        case configure(DeviceConfiguration)
        case setUp(UInt16, VirtualChannelConfiguration)
        case start, stop, close
        case copy(UInt16, UInt64, UInt64, UInt32, UInt64)
        case copyLists(UInt16, [UInt32], [UInt32], UInt64)
        case fill(UInt16, UInt64, UInt64, UInt32, UInt64)
        case submit(UInt16)
        case completed(UInt16, UInt16)
        case completedStatus(UInt16, UInt16)
        case burstCapacity(UInt16)
    }

    struct State {
        var calls: [Call] = []
        /// What the next control calls throw.
        var failure: DMAError?
        /// What the data calls return.
        var result: Int32 = 0
        var counters: [UInt16: Statistics] = [:]
        var status = VirtualChannelStatus.idle
        var ringUse: RingUse?
    }

    let properties: DeviceProperties
    private let state = Locked(State())
    private let controlCalls = Atomic(0)
    private let overlaps = Atomic(0)

    init(_ properties: DeviceProperties = .plain) {
        self.properties = properties
    }

    /// Reads or sets what the driver answers.
    func change<Value: Sendable>(_ body: (inout State) -> Value) -> Value { state.withLock { body(&$0) } }

    /// The calls since the last time, without the first one of each device.
    func takeCalls() -> [Call] {
        state.withLock { state in
            defer { state.calls = [] }
            return state.calls.filter { if case .registered = $0 { false } else { true } }
        }
    }

    /// How often a control call came while another one ran.
    var overlapCount: Int { overlaps.load(ordering: .relaxed) }

    private func control(_ call: Call) throws(DMAError) {
        if controlCalls.add(1, ordering: .acquiringAndReleasing).oldValue != 0 { overlaps.add(1, ordering: .relaxed) }
        defer { controlCalls.subtract(1, ordering: .acquiringAndReleasing) }
        let failure = state.withLock { state in
            state.calls.append(call)
            return state.failure
        }
        if let failure { throw failure }
    }

    private func data(_ call: Call) -> Int32 {
        state.withLock { state in
            state.calls.append(call)
            return state.result
        }
    }

    func registered(as id: Int16) { state.withLock { $0.calls.append(.registered(id)) } }
    func configure(_ configuration: DeviceConfiguration) throws(DMAError) { try control(.configure(configuration)) }
    func setUpVirtualChannel(_ vchan: UInt16, _ configuration: VirtualChannelConfiguration) throws(DMAError) {
        try control(.setUp(vchan, configuration))
    }
    func stop() throws(DMAError) { try control(.stop) }
    func close() throws(DMAError) { try control(.close) }
    func counters(of vchan: UInt16) -> ChannelCounters? {
        state.withLock { $0.counters[vchan] }.map { statistics in
            var counters = ChannelCounters()
            counters.application.submitted = statistics.submitted
            counters.engine.completed = statistics.completed
            counters.engine.errors = statistics.errors
            return counters
        }
    }
    func status(of vchan: UInt16) -> VirtualChannelStatus { state.withLock { $0.status } }
    func ringUse(of vchan: UInt16) -> RingUse? { state.withLock { $0.ringUse } }

    /// Fills in what the capabilities promise.
    func start(_ path: inout dmadev_data_path) throws(DMAError) {
        try control(.start)
        path.driver = Unmanaged.passUnretained(self).toOpaque()
        let capabilities = properties.capabilities
        if capabilities.contains(.copy) {
            path.copy = { driver, vchan, source, destination, length, flags in
                recorder(driver).data(.copy(vchan, source, destination, length, flags))
            }
        }
        if capabilities.contains(.copyScatterGather) {
            path.copy_sg = { driver, vchan, sources, destinations, sourceCount, destinationCount, flags in
                let from = UnsafeBufferPointer(start: sources, count: Int(sourceCount)).map(\.length)
                let to = UnsafeBufferPointer(start: destinations, count: Int(destinationCount)).map(\.length)
                return recorder(driver).data(.copyLists(vchan, from, to, flags))
            }
        }
        if capabilities.contains(.fill) {
            path.fill = { driver, vchan, pattern, destination, length, flags in
                recorder(driver).data(.fill(vchan, pattern, destination, length, flags))
            }
        }
        path.submit = { driver, vchan in recorder(driver).data(.submit(vchan)) }
        path.completed = { driver, vchan, count, lastIndex, hasError in
            (lastIndex.pointee, hasError.pointee) = (41, true)
            return recorder(driver).data(.completed(vchan, count))
        }
        path.completed_status = { driver, vchan, count, lastIndex, statuses in
            lastIndex.pointee = 42
            statuses[0] = 3
            return recorder(driver).data(.completedStatus(vchan, count))
        }
        path.burst_capacity = { driver, vchan in recorder(driver).data(.burstCapacity(vchan)) }
        if properties.isObserved { path.mode = UInt16(DMADEV_MODE_OBSERVED) }
    }
}

private func recorder(_ driver: UnsafeMutableRawPointer?) -> RecordingDriver {
    // Set at the start, and the device keeps the driver.
    Unmanaged<RecordingDriver>.fromOpaque(driver.unsafelyUnwrapped).takeUnretainedValue()
}

extension DeviceProperties {
    /// A device of three channels that copies memory and fills it.
    static let plain = DeviceProperties(
        driver: "recording", capabilities: [.mem2mem, .copy, .copyScatterGather, .fill],
        maximumVirtualChannelCount: 3, maximumDescriptorCount: 1000, minimumDescriptorCount: 10, maximumEntryCount: 4)

    /// A plain device that can do more.
    static func offering(_ capabilities: Capabilities, priorityCount: UInt16 = 0) -> DeviceProperties {
        var properties = plain
        properties.capabilities.formUnion(capabilities)
        properties.priorityCount = priorityCount
        return properties
    }
}

extension DMADevice {
    /// A device alone in a registry of its own.
    static func alone(_ driver: RecordingDriver) throws -> DMADevice {
        try DeviceRegistry().add(driver, named: "alone")
    }

    /// Configures, sets up and starts; the driver's record begins after that.
    func begin(_ driver: RecordingDriver, channels: UInt16 = 2) throws {
        try configure(DeviceConfiguration(virtualChannelCount: channels))
        for vchan in 0..<channels {
            try setUpVirtualChannel(vchan, configuration: VirtualChannelConfiguration(descriptorCount: 100))
        }
        try start()
        _ = driver.takeCalls()
    }
}
