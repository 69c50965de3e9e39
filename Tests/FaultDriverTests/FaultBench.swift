import CDMADev
import DMADev
import DMAEngine
import FaultDriver
import Glibc
import SoftwareDriver
import TestSupport
import Testing

/// A software device with a plan.
func faultDevice(
    _ plan: FaultPlan, _ change: (inout SoftwareDevice.Options) -> Void = { _ in }
) throws -> SoftwareDevice {
    var options = SoftwareDevice.Options()
    options.minimumDescriptorCount = 1
    change(&options)
    return try FaultDevice.make(SoftwareDevice(engine: Engine(), options: options), plan: plan)
}

/// A started device with a plan, and words to copy.
final class FaultBench {
    static let badAddress: UInt64 = 1 << 60

    let device: DMADevice
    let words: UnsafeMutableBufferPointer<UInt64>
    let registry = DeviceRegistry()
    private let count: Int

    init(
        _ plan: FaultPlan = FaultPlan(), driver: (any DMADriver)? = nil, vchans: UInt16 = 1,
        descriptorCount: UInt16 = 64,
        flags: ConfigurationFlags = [], words count: Int = 256
    ) throws {
        device = try registry.add(driver ?? faultDevice(plan), named: "faulty")
        self.count = count
        words = .allocate(capacity: 2 * count)
        reset()
        try device.configure(DeviceConfiguration(virtualChannelCount: vchans, flags: flags))
        for vchan in 0..<vchans {
            try device.setUpVirtualChannel(
                vchan, configuration: VirtualChannelConfiguration(descriptorCount: descriptorCount))
        }
        try device.start()
    }

    convenience init(_ plan: String, vchans: UInt16 = 1, flags: ConfigurationFlags = []) throws {
        try self.init(FaultPlan(parsing: plan), vchans: vchans, flags: flags)
    }

    /// Whether the device is left as it is, started.
    var leavesDevice = false

    deinit {
        if !leavesDevice {
            try? device.stop()
            try? device.close()
        }
        words.deallocate()
    }

    var channel: VirtualChannel {
        get throws { try device.virtualChannel(0) }
    }

    func reset() {
        for index in 0..<count {
            words.initializeElement(at: index, to: UInt64(index) | 0xABCD << 48)
            words.initializeElement(at: count + index, to: 0)
        }
    }

    func source(_ index: Int) -> UInt64 { address(index) }
    func destination(_ index: Int) -> UInt64 { address(count + index) }
    private func address(_ index: Int) -> UInt64 { UInt64(UInt(bitPattern: words.baseAddress)) + UInt64(index) * 8 }

    /// Whether a word was copied.
    func isCopied(_ index: Int) -> Bool { words[count + index] == words[index] }

    /// Enqueues the copy of a word, from a bad address if so asked.
    @discardableResult
    func copy(
        _ index: Int, isBad: Bool = false, on channel: VirtualChannel, _ flags: OperationFlags = []
    ) throws(OperationError) -> RingIndex {
        try channel.copy(
            from: isBad ? Self.badAddress : source(index), to: destination(index), length: 8, flags: flags)
    }

    func copy(_ indices: Range<Int>) throws {
        let channel = try channel
        for index in indices { try copy(index, on: channel) }
        try channel.submit()
    }

    func waitUntilIdle(_ vchan: UInt16 = 0) throws {
        try eventually("the channel is idle") { try device.status(of: vchan) == .idle }
    }

    var details: ChannelCounters {
        get throws { try #require(device.view.counters(of: 0)) }
    }
}

extension VirtualChannel {
    /// One call of `completedStatus`.
    func poll(_ most: Int) throws -> [CompletionStatus] {
        // Room for one at least: for none, the array would write to storage that all empty arrays share.
        try [CompletionStatus](unsafeUninitializedCapacity: max(most, 1)) { buffer, count in
            buffer.initialize(repeating: CompletionStatus(rawValue: 0xDEAD))
            count = try completedStatus(into: UnsafeMutableBufferPointer(rebasing: buffer.prefix(most))).count
        }
    }

    /// Polls until `count` operations have ended; their statuses.
    func statuses(_ count: Int) throws -> [CompletionStatus] {
        var all: [CompletionStatus] = []
        try eventually("\(count) operations end") {
            all += try poll(count - all.count)
            return all.count == count
        }
        return all
    }
}

/// What the operations of one batch come to: behind a fence that follows a failure, none is attempted.
func fenced(_ own: [CompletionStatus], _ fences: [Bool]) -> [CompletionStatus] {
    var (hasFailed, isAbandoned) = (false, false)
    return zip(own, fences).map { status, fence in
        if fence, hasFailed { isAbandoned = true }
        let status = isAbandoned ? .notAttempted : status
        if status != .successful { hasFailed = true }
        return status
    }
}
