import DMADev
import DMAEngine
import Glibc
import LinuxSystem
import SoftwareDriver
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Conformance

/// Copies through attachments, by a real engine.
@Suite struct AttachmentTests {
    /// With SVA, and without.
    static let kinds = [true, false]

    @Test(
        "A device copies into an attached buffer and out of it, at IOVAs that are no virtual addresses",
        arguments: kinds)
    func copies(hasSVA: Bool) throws {
        let bench = try AttachmentBench(hasSVA: hasSVA)
        let (from, to) = (try bench.exporter(), try bench.exporter())
        let (source, target) = (try bench.device.attach(from), try bench.device.attach(to))
        for index in 0..<bench.byteCount { from.memory[index] = UInt8(truncatingIfNeeded: index &* 31) }
        let reading = try #require(try source.map(.toDevice).first?.address)
        let writing = try #require(try target.map(.fromDevice).first?.address)
        #expect(reading >= 1 << 56 && writing >= 1 << 56 && reading != from.address)

        #expect(try bench.copy(reading, writing, bench.byteCount) == .successful)
        #expect(from.memory.elementsEqual(to.memory))
        #expect(try bench.copy(reading + 5, writing + 100, 3) == .successful)
        #expect(to.memory[100..<103].elementsEqual(from.memory[5..<8]))
        #expect(try bench.fill(writing, bench.byteCount) == .successful)
        #expect(to.memory.allSatisfy { $0 == 0x5A })

        // Against the direction, and beyond the end.
        #expect(try bench.copy(writing, reading, 64) != .successful)
        #expect(try bench.copy(reading, reading, 64) == .invalidDestinationAddress)
        #expect(try bench.copy(writing, writing, 64) == .invalidSourceAddress)
        #expect(try bench.copy(reading + UInt64(bench.byteCount) - 8, writing, 16) == .invalidSourceAddress)
        #expect(try bench.copy(reading, 1 << 63, 8) == .invalidDestinationAddress)

        try source.unmap()
        #expect(try bench.copy(reading, writing, 64) == .invalidSourceAddress)
        try target.revoke()
        #expect(try bench.fill(writing, 64) == .invalidDestinationAddress)
        let again = try #require(try source.map(.toDevice).first?.address)
        #expect(again != reading)
        for attachment in [source, target] { try attachment.detach() }
    }

    @Test("Plain memory and attached buffers mix in one batch, and lists cross the ranges of a buffer")
    func mixed() throws {
        let bench = try AttachmentBench(hasSVA: true)
        let buffer = try bench.exporter()
        // Two halves in the wrong order.
        let half = UInt64(bench.byteCount / 2)
        let halves = ScatteredExporter([
            MemoryRange(address: buffer.address + half, byteCount: half),
            MemoryRange(address: buffer.address, byteCount: half),
        ])
        let attachment = try bench.device.attach(halves)
        let ranges = try attachment.map(.bidirectional)
        try #require(ranges.count == 2)
        let plain = try bench.exporter()
        for index in 0..<bench.byteCount { plain.memory[index] = UInt8(truncatingIfNeeded: index / 3) }
        let channel = bench.channel
        for index in 0..<32 as Range<UInt64> {
            let (offset, address) = (index * 64, plain.address + index * 64)
            switch index % 3 {
            case 0: try channel.copy(from: address, to: ranges[0].address + offset, length: 64)
            case 1: try channel.copy(from: address, to: buffer.address + half + offset, length: 64)
            default:
                let source = [ScatterGatherEntry(address: address, length: 64)]
                let target = [
                    ScatterGatherEntry(address: ranges[0].address + offset, length: 32),
                    ScatterGatherEntry(address: ranges[0].address + offset + 32, length: 32),
                ]
                try source.withUnsafeBufferPointer { source in
                    _ = try target.withUnsafeBufferPointer { try channel.copy(from: source, to: $0) }
                }
            }
        }
        try channel.submit()
        #expect(try bench.statuses(32).allSatisfy { $0 == .successful })
        #expect(buffer.memory[Int(half)..<Int(half) + 2048].elementsEqual(plain.memory[0..<2048]))
        #expect(try bench.copy(plain.address, ranges[1].address, 100) == .successful)
        #expect(buffer.memory[0..<100].elementsEqual(plain.memory[0..<100]))
        try attachment.detach()
    }

    @Test("The calls for mapped memory leave attached buffers alone")
    func apart() throws {
        let bench = try AttachmentBench(hasSVA: false)
        let buffer = try bench.exporter()
        let attachment = try bench.device.attach(buffer)
        let iova = try #require(try attachment.map(.bidirectional).first?.address)
        #expect(throws: DMAError.self) { try bench.device.unmapMemory(iova: iova) }
        #expect(throws: DMAError.self) { try bench.device.mapMemory(buffer.memory, iova: iova) }
        let own = try bench.device.mapMemory(buffer.memory)
        try attachment.unmap()
        #expect(try bench.copy(own, own + 4096, 64) == .successful)
        try bench.device.unmapMemory(iova: own)
        try attachment.detach()
    }

    @Test("A revocation ends an operation in its middle")
    func middle() throws {
        let bench = try AttachmentBench(hasSVA: true, byteCount: 256 << 20)
        let buffer = try bench.exporter()
        let attachment = try bench.device.attach(buffer)
        let iova = try #require(try attachment.map(.fromDevice).first?.address)
        try bench.channel.fill(iova, pattern: 0x0101_0101_0101_0101, length: UInt32(bench.byteCount), flags: .submit)
        try eventually("the fill has begun") { buffer.memory.load(as: UInt8.self) == 1 }
        try attachment.revoke(within: .seconds(10))
        let last = buffer.memory[bench.byteCount - 1]
        #expect(try bench.statuses(1) == [last == 1 ? .successful : .invalidDestinationAddress])
        #expect(buffer.memory[bench.byteCount - 1] == last)
        try attachment.detach()
    }

    @Test("A closed device has released its buffers")
    func closed() throws {
        let bench = try AttachmentBench(hasSVA: true)
        let attachment = try bench.device.attach(try bench.exporter())
        try attachment.map(.bidirectional)
        try bench.device.stop()
        try bench.device.close()
        // A closed device accesses nothing.
        try attachment.revoke()
        try attachment.detach()
    }

    @Test("Of a million operations against revocations not one writes after a revocation has returned")
    func race() throws {
        let enough = (operations: ThreadSanitizer.isActive ? 60_000 : 1_000_000, revocations: 200)
        let bench = try AttachmentBench(hasSVA: true)
        let buffer = try bench.exporter()
        let untouched = [UInt8](repeating: 0xAA, count: bench.byteCount)
        let race = Race(bench)
        let worker = try SystemThread.start(name: "worker") { race.work() }
        var revocations = 0
        while race.done < enough.operations || revocations < enough.revocations {
            let attachment = try bench.device.attach(buffer)
            let iova = try #require(try attachment.map(.fromDevice).first?.address)
            race.target = iova
            race.waitForOperations(64)
            try attachment.revoke(within: .seconds(10))
            // From here on nobody else writes: a late write changes a byte, or is a race for ThreadSanitizer.
            buffer.memory.initializeMemory(as: UInt8.self, repeating: 0xAA)
            race.waitForOperations(256)
            guard untouched.withUnsafeBytes({ areEqual($0, UnsafeRawBufferPointer(buffer.memory)) }) else {
                Issue.record("a byte was written after revocation \(revocations)")
                break
            }
            try attachment.detach()
            revocations += 1
        }
        race.end()
        worker.join()
        #expect(race.counts.successful > 0 && race.counts.refused > 0 && race.counts.other == 0, "\(race.counts)")
        #expect(bench.registry.attachments.counts.revocations == UInt64(revocations))
    }
}

/// Fast also in a debug build.
private func areEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    guard let one = left.baseAddress, let other = right.baseAddress else { return left.count == right.count }
    return left.count == right.count && memcmp(one, other, left.count) == 0
}

/// A started device, and buffers.
final class AttachmentBench: @unchecked Sendable {
    // Constant; the channel is used by one thread at a time.
    let registry = DeviceRegistry()
    let device: DMADevice
    let channel: VirtualChannel
    let byteCount: Int

    init(hasSVA: Bool, byteCount: Int = 16_384) throws {
        self.byteCount = byteCount
        var options = SoftwareDevice.Options()
        if !hasSVA { options.capabilities.remove(.sva) }
        device = try registry.add(SoftwareDevice(engine: Engine(), options: options), named: "dma0")
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 256))
        try device.start()
        channel = try device.virtualChannel(0)
    }

    deinit {
        try? device.stop()
        try? device.close()
    }

    func exporter() throws -> MemoryExporter { try MemoryExporter(name: "buffer", byteCount: byteCount) }

    func copy(_ from: UInt64, _ to: UInt64, _ byteCount: Int) throws -> CompletionStatus? {
        try channel.copy(from: from, to: to, length: UInt32(byteCount), flags: .submit)
        return try statuses(1).first
    }

    func fill(_ to: UInt64, _ byteCount: Int) throws -> CompletionStatus? {
        try channel.fill(to, pattern: 0x5A5A_5A5A_5A5A_5A5A, length: UInt32(byteCount), flags: .submit)
        return try statuses(1).first
    }

    func statuses(_ count: Int) throws -> [CompletionStatus] { try channel.statuses(count) }
}

/// An exporter of ranges that a test chooses.
private final class ScatteredExporter: Exporter {
    let name = "scattered"
    let byteCount: UInt64
    private let ranges: [MemoryRange]

    init(_ ranges: [MemoryRange]) {
        self.ranges = ranges
        byteCount = ranges.reduce(0) { $0 + $1.byteCount }
    }

    func interconnects(for importer: any Importer) -> [any Interconnect] { [SystemMemory.shared] }
    func map(_ attachment: BufferAttachment, _ direction: MappingDirection) throws(DMAError) -> [any InterconnectRange]
    {
        ranges
    }
    func unmap(_ ranges: [any InterconnectRange], of attachment: BufferAttachment) {}
}

/// A thread that writes all the time to what was attached last.
private final class Race: Sendable {
    struct Counts {
        var successful = 0
        var refused = 0
        var other = 0
    }

    private let bench: AttachmentBench
    private let address = Atomic<UInt64>(1 << 57)
    private let finished = Atomic<Int>(0)
    private let isEnding = Atomic<Bool>(false)
    private let state = Locked(Counts())

    init(_ bench: AttachmentBench) {
        self.bench = bench
    }

    var counts: Counts { state.withLock { $0 } }
    var done: Int { finished.load(ordering: .acquiring) }
    var target: UInt64 {
        get { address.load(ordering: .acquiring) }
        set { address.store(newValue, ordering: .releasing) }
    }

    func end() { isEnding.store(true, ordering: .releasing) }

    /// Waits until that many more operations have ended.
    func waitForOperations(_ count: Int) {
        let end = done + count
        while done < end { sched_yield() }
    }

    func work() {
        let channel = bench.channel
        let source = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 64)
        let statuses = UnsafeMutableBufferPointer<CompletionStatus>.allocate(capacity: 128)
        defer {
            source.deallocate()
            statuses.deallocate()
        }
        source.initializeMemory(as: UInt8.self, repeating: 0x11)
        statuses.initialize(repeating: .successful)
        let from = UInt64(UInt(bitPattern: source.baseAddress))
        var counts = Counts()
        var inFlight = 0
        while inFlight > 0 || !isEnding.load(ordering: .acquiring) {
            if inFlight <= 128, !isEnding.load(ordering: .acquiring) {
                var to = target
                for _ in 0..<64 {
                    _ = try? channel.copy(from: from, to: to, length: 64)
                    to += 256
                }
                try? channel.submit()
                inFlight += 64
            }
            guard let count = try? channel.completedStatus(into: statuses).count, count > 0 else { continue }
            var index = 0
            while index < count {
                switch statuses[index].rawValue {
                case CompletionStatus.successful.rawValue: counts.successful += 1
                case CompletionStatus.invalidDestinationAddress.rawValue: counts.refused += 1
                default: counts.other += 1
                }
                index += 1
            }
            inFlight -= count
            finished.add(count, ordering: .acquiringAndReleasing)
        }
        state.withLock { [counts] in $0 = counts }
    }
}
