import DMADev
import SystemPackage
import Testing

/// Strict priority between devices that share an engine. No clock is asked: one device's operation copies a mark that
/// another device's last operation sets, and so tells which of them ran first.
let priorityCases: [ConformanceCase] = [
    priorityCase("starves a lower priority as long as a higher one has work", starvesLower),
    priorityCase("serves a higher priority in the middle of a lower one's operation", servesHigherSoon),
    priorityCase("serves a middle priority before a lower one", servesInOrder),
    priorityCase("serves devices of one priority in turn", servesEqualsInTurn),
    priorityCase("takes each priority below its number of priorities, and no other", takesPriorities),
]

private func priorityCase(
    _ name: String, _ body: @escaping @Sendable (ConformanceBench) throws -> Void
) -> ConformanceCase {
    ConformanceCase(name, needs: [.strictPriority, .copy, .sva], variant: .sharedEngine, on: .freshDevice, body)
}

/// Devices on an engine that no other case uses.
private struct Rivals {
    private let devices: [DMADevice]
    let channels: [VirtualChannel]
    let mark = GuardedMemory(8)
    private let sign = GuardedMemory(8, seed: 21)
    private let seen = GuardedMemory(8)
    private let source = GuardedMemory(Rivals.size, seed: 22)
    private let target = GuardedMemory(Rivals.size)
    private static let size = 16 << 20

    init(_ bench: ConformanceBench, priorities: [UInt16]) throws {
        let engine = "priorities \(UInt64.random(in: 0 ... .max))"
        devices = try priorities.map {
            try bench.makeDevice(onEngine: engine, priority: $0, descriptorCount: bench.descriptorCount)
        }
        channels = try devices.map { try $0.virtualChannel(0) }
    }

    func close() throws {
        for device in devices {
            try device.stop()
            try device.close()
        }
    }

    func completed(_ device: Int) throws -> UInt64 { try devices[device].statistics.completed }

    /// Rings for work of some milliseconds, cut into so many operations.
    ///
    /// - Returns: how many operations that is.
    func ringBacklog(_ device: Int, operations: Int, thenMark: Bool = true) throws -> Int {
        seen.clear()
        mark.clear()
        let part = Self.size / operations
        for number in 0..<operations {
            let offset = UInt64(number * part)
            try channels[device].copy(
                from: source.address + offset, to: target.address + offset, length: UInt32(part))
        }
        if thenMark { try setMark(device) }
        try channels[device].submit()
        return operations + (thenMark ? 1 : 0)
    }

    /// Sets the mark with an operation of this device; not rung.
    func setMark(_ device: Int) throws {
        try channels[device].copy(from: sign.address, to: mark.address, length: 8, flags: .fence)
    }

    /// Looks at the mark with an operation of this device.
    func look(_ device: Int) throws {
        try channels[device].copy(from: mark.address, to: seen.address, length: 8, flags: .submit)
    }

    /// Whether the operation that looked found the mark set.
    var foundMark: Bool { seen.holds(sign.bytes) }
}

private func starvesLower(_ bench: ConformanceBench) throws {
    let rivals = try Rivals(bench, priorities: [0, bench.properties.priorityCount - 1])
    for _ in 0..<10 {
        let before = (high: try rivals.completed(0), low: try rivals.completed(1))
        let count = try rivals.ringBacklog(0, operations: min(16, Int(bench.descriptorCount) - 1))
        try rivals.look(1)
        // In this order: a low one that was done before its number was read had the high ones done before.
        while try rivals.completed(0) - before.high < UInt64(count) {
            let low = try rivals.completed(1) - before.low
            let high = try rivals.completed(0) - before.high
            if low > 0, high < UInt64(count) { Issue.record("low is done, and \(high) of \(count) high ones") }
        }
        try rivals.channels[0].successes(count)
        try rivals.channels[1].successes(1)
        #expect(rivals.foundMark)
    }
    try rivals.close()
}

/// Whether an operation of the second device runs before a backlog of the first one is done. One try tells nothing: the
/// thread may have been away between the two doorbells.
private func overtakes(_ rivals: Rivals, operations: Int) throws -> Bool {
    for _ in 0..<20 {
        let count = try rivals.ringBacklog(0, operations: operations)
        try rivals.look(1)
        try rivals.channels[1].successes(1)
        try rivals.channels[0].successes(count)
        if !rivals.foundMark { return true }
    }
    return false
}

private func servesHigherSoon(_ bench: ConformanceBench) throws {
    let rivals = try Rivals(bench, priorities: [1, 0])
    // A single operation: what is higher goes between its chunks.
    #expect(try overtakes(rivals, operations: 1))
    try rivals.close()
}

private func servesEqualsInTurn(_ bench: ConformanceBench) throws {
    for priority in [0, bench.properties.priorityCount - 1] {
        let rivals = try Rivals(bench, priorities: [priority, priority])
        #expect(try overtakes(rivals, operations: 1))
        #expect(try overtakes(rivals, operations: min(16, Int(bench.descriptorCount) - 1)))
        try rivals.close()
    }
}

private func servesInOrder(_ bench: ConformanceBench) throws {
    guard bench.properties.priorityCount >= 3 else { return }
    let rivals = try Rivals(bench, priorities: [0, 1, 2])
    var isInOrder = false
    // As above: the highest may be done before both others have rung.
    for _ in 0..<20 where !isInOrder {
        let count = try rivals.ringBacklog(0, operations: 1, thenMark: false)
        try rivals.look(2)
        try rivals.setMark(1)
        try rivals.channels[1].submit()
        try rivals.channels[0].successes(count)
        try rivals.channels[1].successes(1)
        try rivals.channels[2].successes(1)
        isInOrder = rivals.foundMark
    }
    #expect(isInOrder)
    try rivals.close()
}

private func takesPriorities(_ bench: ConformanceBench) throws {
    let (device, count) = (bench.device, bench.properties.priorityCount)
    #expect(count >= 2)
    for priority in 0..<count {
        try device.configure(DeviceConfiguration(virtualChannelCount: 1, priority: priority))
        try device.setUpVirtualChannel(
            0, configuration: VirtualChannelConfiguration(descriptorCount: bench.descriptorCount))
        try device.start()
        let (channel, slab) = (try device.virtualChannel(0), bench.slab(3))
        for slot in 0..<3 { try slab.enqueue(slot, on: channel, flags: .submit) }
        try channel.successes(3)
        slab.expectWritten { _ in true }
        try device.stop()
    }
    for priority in [count, .max] {
        expect(.invalidArgument, "priority \(priority)") {
            try device.configure(DeviceConfiguration(virtualChannelCount: 1, priority: priority))
        }
    }
    #expect(device.view.configuration?.device.priority == count - 1)
}
