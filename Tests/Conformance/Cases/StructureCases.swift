import CDMADev
import DMADev
import SystemPackage
import TestSupport
import Testing

/// Enqueue/dequeue mode: operations come and go as structures.
let structureCases: [ConformanceCase] = [
    structureCase("gives structures back in the order in which they came", givesBackInOrder),
    structureCase("leaves to the application what it wrote into a structure", leavesFields),
    structureCase("takes of a list of structures what there is room for", takesWhatFits),
    structureCase("gives back as many structures as there is room for", givesBackAsManyAsAsked),
    structureCase("tells how each structure's operation ended", needs: .handlesErrors, tellsStatuses),
    structureCase("takes the structures before the first that it cannot", takesUpToUnacceptable),
    structureCase("offers only structures in their mode", offersOnlyStructures),
    structureCase("counts structures as operations", countsStructures),
    structureCase("forgets structures on stop", forgetsStructures),
    ConformanceCase("offers structures only in their mode", needs: [.enqueueDequeue, .copy], offersNoStructures),
]

private func structureCase(
    _ name: String, needs: Capabilities = [], _ body: @escaping @Sendable (ConformanceBench) throws -> Void
) -> ConformanceCase {
    ConformanceCase(
        name, needs: needs.union([.enqueueDequeue, .copyScatterGather]), mode: .enqueueDequeue, body)
}

private func givesBackInOrder(_ bench: ConformanceBench) throws {
    let (channel, capacity) = (try bench.channel(), Int(bench.descriptorCount))
    let structures = Structures(3 * capacity + 7)
    var random = SeededGenerator(for: "structures")
    var (given, taken) = (0, 0)
    while taken < structures.buffers.count {
        let most = Int.random(in: 0...40, using: &random)
        let room = try channel.burstCapacity
        #expect(room == capacity - (given - taken))
        let some = try channel.enqueue(structures.buffers[given...].prefix(most))
        #expect(some == min(most, room, structures.buffers.count - given))
        given += some
        for operation in try channel.takeBack(Int.random(in: 0...40, using: &random)) {
            if operation != structures.buffers[taken].pointer || operation?.status != .successful {
                Issue.record("structure \(taken) did not come back as successful")
            }
            taken += 1
        }
    }
    structures.expectCopied { _ in true }
    #expect(try channel.burstCapacity == capacity)
    #expect(try channel.takeBack(1).isEmpty)
}

private func leavesFields(_ bench: ConformanceBench) throws {
    let (channel, structures) = (try bench.channel(), Structures(1))
    let pointer = structures.buffers[0].pointer
    pointer.pointee.op_mp = UnsafeMutableRawPointer(bitPattern: 0xDEAD_BEEF)
    pointer.pointee.event_meta = 0x1234_5678_9ABC_DEF0
    pointer.pointee.status = 99
    #expect(try channel.enqueue(structures.buffers[...]) == 1)
    #expect(try channel.takeAllBack(1) == [pointer])
    #expect(structures.buffers[0].status == .successful)
    #expect(structures.buffers[0].userData == 0xABCD)
    #expect(pointer.pointee.event_meta == 0x1234_5678_9ABC_DEF0)
    #expect(pointer.pointee.op_mp == UnsafeMutableRawPointer(bitPattern: 0xDEAD_BEEF))
    #expect((pointer.pointee.nb_src, pointer.pointee.nb_dst) == (2, 1))
}

private func takesWhatFits(_ bench: ConformanceBench) throws {
    let (channel, capacity) = (try bench.channel(), Int(bench.descriptorCount))
    let structures = Structures(capacity + 3)
    #expect(try channel.enqueue([]) == 0)
    #expect(try channel.enqueue(structures.buffers[...]) == capacity)
    #expect(try channel.burstCapacity == 0)
    // Full until somebody takes something back, done or not.
    #expect(try channel.enqueue(structures.buffers[capacity...]) == 0)
    try channel.waitUntilIdle()
    #expect(try channel.enqueue(structures.buffers[capacity...]) == 0)
    #expect(try channel.takeAllBack(1) == [structures.buffers[0].pointer])
    #expect(try channel.enqueue(structures.buffers[capacity...]) == 1)
    #expect(
        try channel.takeAllBack(capacity) == structures.buffers[1...capacity].map(\.pointer))
    structures.expectCopied { $0 <= capacity }
}

private func givesBackAsManyAsAsked(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), bench.burst(upTo: 30))
    let structures = Structures(count)
    #expect(try channel.takeBack(4).isEmpty)
    #expect(try channel.enqueue(structures.buffers[...]) == count)
    try channel.waitUntilIdle()
    var (taken, asked) = (0, 0)
    while taken < count {
        let some = try channel.takeBack(asked)
        #expect(some == structures.buffers[taken...].prefix(asked).map(\.pointer))
        taken += some.count
        asked += 1
    }
    #expect(try channel.takeBack(4).isEmpty)
}

private func tellsStatuses(_ bench: ConformanceBench) throws {
    guard bench.descriptorCount >= 7 else { return }
    let channel = try bench.channel()
    let structures = Structures(7, bad: [1: .source, 3: .destination]) { $0 == 5 ? [.fence, .lastLevelCache] : [] }
    let expected: [CompletionStatus] = [
        .successful, .invalidSourceAddress, .successful, .invalidDestinationAddress, .successful, .notAttempted,
        .notAttempted,
    ]
    for _ in 0..<3 {
        structures.reset()
        // One list is one batch: the next one begins clean.
        #expect(try channel.enqueue(structures.buffers[...]) == 7)
        #expect(try channel.takeAllBack(7).map { $0?.status } == expected)
        structures.expectCopied { expected[$0] == .successful }
    }
    structures.reset()
    #expect(try channel.enqueue(structures.buffers[5...]) == 2)
    #expect(try channel.takeAllBack(2).map { $0?.status } == [.successful, .successful])
    structures.expectCopied { $0 >= 5 }
}

private func takesUpToUnacceptable(_ bench: ConformanceBench) throws {
    guard bench.descriptorCount >= 3 else { return }
    let (channel, memory) = (try bench.channel(), GuardedMemory(64))
    let one = memory.entry(at: 0, count: 1)
    let many = Array(repeating: one, count: Int(bench.properties.maximumEntryCount) + 1)
    let flag = OperationFlags(rawValue: 1 << 31)
    let unacceptable: [(OperationError.Reason, OperationBuffer)] = [
        (.unequalLists, OperationBuffer(from: [one], to: [memory.entry(at: 1, count: 2)])),
        (.unequalLists, OperationBuffer(from: [one], to: [])),
        (.tooManyEntries, OperationBuffer(from: many, to: [memory.entry(at: 0, count: many.count)])),
        (.tooManyEntries, OperationBuffer(from: [memory.entry(at: 0, count: many.count)], to: many)),
        (.flag, OperationBuffer(from: [one], to: [memory.entry(at: 1, count: 1)], flags: flag)),
        // The channel has no pool, or the device does not support one.
        (
            bench.properties.capabilities.contains(.autoFree) ? .noPool : .flag,
            OperationBuffer(from: [one], to: [memory.entry(at: 1, count: 1)], flags: .autoFree)
        ),
    ]
    for (reason, bad) in unacceptable {
        let structures = Structures(3)
        expectRefusal(reason, .invalidArgument) { try channel.enqueue([bad] + structures.buffers[...]) }
        #expect(try channel.burstCapacity == Int(bench.descriptorCount))
        #expect(try channel.enqueue(structures.buffers[..<2] + [bad] + structures.buffers[2...]) == 2)
        #expect(try channel.takeAllBack(2) == structures.buffers[..<2].map(\.pointer))
        #expect(try channel.burstCapacity == Int(bench.descriptorCount))
        structures.expectCopied { $0 < 2 }
    }
    memory.expect(GuardedMemory.untouched(64))
}

private func offersOnlyStructures(_ bench: ConformanceBench) throws {
    let channel = try bench.channel()
    for kind in Slab.Kind.allCases {
        let slab = Slab(slots: 1, kinds: [kind])
        expectRefusal(.wrongMode, .notSupported) { try slab.enqueue(0, on: channel, flags: .submit) }
        slab.expectWritten { _ in false }
    }
    expectRefusal(.wrongMode, .notSupported) { try channel.submit() }
    expectRefusal(.wrongMode, .notSupported) { try channel.completed(upTo: 1) }
    expectRefusal(.wrongMode, .notSupported) { try channel.pollStatuses(1) }
    #expect(try channel.burstCapacity == Int(bench.descriptorCount))
}

private func offersNoStructures(_ bench: ConformanceBench) throws {
    let (channel, structures) = (try bench.channel(), Structures(1))
    expectRefusal(.wrongMode, .notSupported) { try channel.enqueue(structures.buffers[...]) }
    expectRefusal(.wrongMode, .notSupported) { try channel.takeBack(1) }
    structures.expectCopied { _ in false }
    #expect(try channel.burstCapacity == Int(bench.descriptorCount))
}

private func countsStructures(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), bench.burst(upTo: 10))
    let structures = Structures(count)
    #expect(try channel.enqueue(structures.buffers[...]) == count)
    try channel.waitUntilIdle()
    let done = Statistics(submitted: UInt64(count), completed: UInt64(count))
    #expect(try bench.device.statistics(of: channel.index) == done)
    guard let details = bench.device.view.counters(of: channel.index) else { return }
    #expect((details.engine.kinds.2, details.application.doorbells) == (UInt64(count), 1))
    #expect(details.application.high_water == UInt64(count))
}

private func forgetsStructures(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), bench.burst(upTo: 10))
    for round in 0..<20 {
        let structures = Structures(count)
        #expect(try channel.enqueue(structures.buffers[...]) == count)
        if round % 2 == 0 { _ = try channel.takeAllBack(1) }
        try bench.device.stop()
        try bench.device.start()
        #expect(try channel.burstCapacity == Int(bench.descriptorCount))
        #expect(try channel.takeBack(10).isEmpty)
        // They are the application's again, to be used or freed.
        structures.reset()
        #expect(try channel.enqueue(structures.buffers[...]) == count)
        #expect(try channel.takeAllBack(count) == structures.buffers.map(\.pointer))
        structures.expectCopied { _ in true }
    }
}
