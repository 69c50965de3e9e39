import Conformance
import DMADev
import DMAEngine
import RingTestSupport
import SoftwareDriver
import SystemPackage
import TestSupport
import Testing

/// Random operations on two channels of a device, in any order, checked one by one against a simple model.
///
/// A step asks for one thing and compares at once; `#expect` stands aside, because it costs more than all the rest.
@Suite struct RandomOperationTests {
    /// Operations in all: a million, or what ThreadSanitizer leaves time for.
    static let operationCount = ThreadSanitizer.isActive ? 100_000 : 1_000_000

    @Test("Random operations on two channels end as the model says")
    func randomOperations() throws {
        var random = SeededGenerator(for: "random operations")
        let device = try DeviceRegistry().add(SoftwareDevice(engine: Engine()), named: "random")
        let rooms: [UInt16] = [37, 1000]
        try device.configure(DeviceConfiguration(virtualChannelCount: 2))
        for (vchan, count) in rooms.enumerated() {
            try device.setUpVirtualChannel(
                UInt16(vchan), configuration: VirtualChannelConfiguration(descriptorCount: count))
        }
        try device.start()
        var sides = try rooms.enumerated().map { vchan, room in
            try Side(device.virtualChannel(UInt16(vchan)), room: Int(room), &random)
        }
        while sides[0].model.enqueued + sides[1].model.enqueued < Self.operationCount {
            try sides[random.next() & 1 == 0 ? 0 : 1].step(&random)
        }
        for index in sides.indices {
            try sides[index].finish()
            let details = try #require(device.view.counters(of: UInt16(index)))
            let count = UInt64(sides[index].model.enqueued)
            #expect((details.statistics.submitted, details.statistics.completed) == (count, count))
            #expect(details.latency.count == count)
            #expect(details["rejected_enqueues"] == sides[index].rejected)
            #expect(try device.status(of: UInt16(index)) == .idle)
        }
        try device.stop()
    }
}

/// A channel beside its model.
private struct Side {
    private let channel: VirtualChannel
    private let room: Int
    private let arena: Arena
    private let statuses = UnsafeMutableBufferPointer<CompletionStatus>.allocate(capacity: 64)
    private(set) var model: RingModel
    /// Enqueues that met a full ring.
    private(set) var rejected: UInt64 = 0

    init(_ channel: VirtualChannel, room: Int, _ random: inout SeededGenerator) {
        self.channel = channel
        self.room = room
        arena = Arena(slots: room, &random)
        model = RingModel(descriptorCount: room)
        statuses.initialize(repeating: .unknown)
    }

    mutating func step(_ random: inout SeededGenerator) throws {
        let dice = random.next()
        let asked = UInt16(dice >> 8 & 63)
        // A full ring is met now and then only: each error that is thrown costs the test library a backtrace.
        let wantsMore = model.occupied < room || dice >> 16 & 31 == 0
        switch dice & 63 {
        case 0..<40 where wantsMore: try enqueue(arena.operation(model.enqueued, &random))
        case 40..<46:
            try channel.submit()
            model.ring()
        case 0..<20, 46..<54: try poll(asked)
        case 20..<40, 54..<62: try pollStatuses(asked)
        default:
            let capacity = try channel.burstCapacity
            if capacity != room - model.occupied { Issue.record("\(capacity) slots free, \(model.occupied) in use") }
        }
    }

    /// Rings for what is left, and polls all of it.
    mutating func finish() throws {
        try channel.submit()
        model.ring()
        let deadline = ContinuousClock.now + .seconds(60)
        while model.occupied > 0 {
            try pollStatuses(64)
            try #require(ContinuousClock.now < deadline, "\(model.occupied) operations do not end")
        }
        statuses.deallocate()
    }

    private mutating func enqueue(_ operation: RandomOperation) throws {
        let index: RingIndex
        do throws(OperationError) {
            index = try request(operation)
        } catch {
            if error != OperationError(.ringFull, .noSpace) || model.occupied < room {
                Issue.record("\(error) with \(model.occupied) of \(room) slots in use")
            }
            rejected += 1
            return
        }
        if index != RingIndex(truncatingIfNeeded: model.enqueued) {
            Issue.record("ring index \(index) after \(model.enqueued) others")
        }
        if model.occupied == room { Issue.record("taken by a full ring") }
        model.enqueue(operation.expected, fence: operation.isFenced)
        if operation.rings { model.ring() }
    }

    private func request(_ operation: RandomOperation) throws(OperationError) -> RingIndex {
        let flags = OperationFlags(rawValue: operation.flags)
        switch operation.request {
        case .copy(let from, let to, let length):
            return try channel.copy(from: from, to: to, length: length, flags: flags)
        case .fill(let pattern, let to, let length):
            return try channel.fill(to, pattern: pattern, length: length, flags: flags)
        case .lists(let from, let to):
            return try from.withUnsafeBufferPointer { from throws(OperationError) in
                try to.withUnsafeBufferPointer { to throws(OperationError) in
                    try channel.copy(from: from, to: to, flags: flags)
                }
            }
        }
    }

    private mutating func poll(_ asked: UInt16) throws {
        let found = try channel.completed(upTo: asked)
        check(found, asked)
        if found.hasError, found.count >= asked || model.status(found.count) == 0 {
            Issue.record("an error after \(found.count) of \(asked), where the model knows none")
        }
        model.take(repeatElement(0, count: found.count))
        checkLast(found)
    }

    private mutating func pollStatuses(_ asked: UInt16) throws {
        let found = try channel.completedStatus(
            into: UnsafeMutableBufferPointer(rebasing: statuses[..<Int(asked)]))
        check(found, asked)
        model.take(statuses[..<found.count].lazy.map(\.rawValue))
        checkLast(found)
    }

    private func check(_ found: VirtualChannel.Completions, _ asked: UInt16) {
        if found.count > min(Int(asked), model.rung - model.polled) {
            Issue.record("\(found.count) of \(asked) completions, \(model.rung - model.polled) were rung")
        }
    }

    private func checkLast(_ found: VirtualChannel.Completions) {
        if found.lastIndex != model.lastIndex { Issue.record("last index \(found.lastIndex), not \(model.lastIndex)") }
    }
}
