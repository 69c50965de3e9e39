import CDMADev
import DMADev
import Glibc
import LinuxSystem

@testable import DMAEngine

extension FuzzKind {
    /// What another process may write into a ring: descriptors, SG entries, doorbells. The engine's side executes it
    /// over a small arena with windows of other members.
    static let ring = FuzzKind(name: "ring") { bytes in
        var input = InputReader(bytes)
        RingArena.shared.reset()
        let run = RingRun(&input, RingArena.shared)
        run.takeActions(&input)
        run.finish()
        RingArena.shared.check()
    }
}

/// The memory behind the addresses of a ring: windows with pages between them that belong to nobody.
@MainActor
private final class RingArena {
    static let shared = RingArena()

    private static let page = 4096
    private static let pageCount = 14
    /// A page without access, in the middle of a window: an access to it faults, as to a hole in a file.
    private static let hole = 7

    let engine: Engine
    /// The device's own memory: two ranges that touch each other.
    let own: IOVAMap
    let domains: DomainMap
    /// Interesting addresses for operations, with and without handlers.
    let addresses: [UInt64]

    private let bytes: UnsafeMutableRawBufferPointer
    /// What operations may change.
    private let writable: [Range<Int>]
    /// What operations may not read: it must not be in what they may write.
    private let secret: [UInt8]
    private let expected: [UInt8]

    private init() {
        let byteCount = Self.pageCount * Self.page
        // An arena that cannot be mapped is no arena: the system has no memory at the start.
        let base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let base, base != MAP_FAILED else { fail("no memory") }
        bytes = UnsafeMutableRawBufferPointer(start: base, count: byteCount)
        func place(_ page: Int) -> Int { page * Self.page }
        func address(_ page: Int) -> UInt64 { UInt64(UInt(bitPattern: base)) + UInt64(place(page)) }

        engine = prepared { try Engine(name: "fuzz") }
        own = IOVAMap(engine: engine)
        require(own.add(iova: 0x10000, byteCount: 0x2000, address: address(1)) != nil, "own memory")
        require(own.add(iova: 0x12000, byteCount: 0x1000, address: address(4)) != nil, "own memory")
        func window(_ handler: UInt16, _ rights: Int, _ iova: UInt64, _ byteCount: UInt64, _ address: UInt64)
            -> DomainMap.Window
        {
            DomainMap.Window(
                handler: handler, isReadable: rights & 1 != 0, isWritable: rights & 2 != 0, iova: iova,
                byteCount: byteCount, address: address)
        }
        let top: UInt64 = 0 &- 0x1000
        let windows = [
            window(2, 3, 0x20000, 0x2000, address(6)), window(3, 1, 0x30000, 0x1000, address(9)),
            window(4, 2, 0x31000, 0x1000, address(10)), window(2, 3, top, 100, address(12) + 50),
        ]
        let members = (1...4 as ClosedRange<UInt16>).map { DomainGroup.Member(handler: $0, traffic: TrafficCounter()) }
        let left = DomainGroup.Member(handler: 5, traffic: TrafficCounter())
        domains = DomainMap(engine: engine)
        domains.publish([.init(group: DomainGroup(number: 0, members: members + [left], windows: []), own: 1)])
        domains.publish([.init(group: DomainGroup(number: 0, members: members, windows: windows), own: 1)])
        addresses = [
            0x10000, 0x11FFF, 0x12000, 0x13000, 0x20000, 0x21000, 0x30000, 0x31000, 0x32000, top, top + 99, .max, 0,
            1 << 56, 0xFFFF_8880_0000_0000, address(1), address(8), address(Self.hole),
        ]
        writable = [
            place(1)..<place(3), place(4)..<place(5), place(6)..<place(7), place(10)..<place(11),
            place(12) + 50..<place(12) + 150,
        ]

        var random = SystemRandomNumberGenerator()
        let secret = (0..<8).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        self.secret = secret
        var expected = (0..<byteCount).map { secret[$0 % 8] }
        for page in [1, 2, 4, 6, 9] {
            for offset in place(page)..<place(page + 1) { expected[offset] = UInt8(truncatingIfNeeded: offset &* 7) }
        }
        for offset in writable[4] { expected[offset] = 0x33 }
        self.expected = expected
        bytes.copyBytes(from: expected)
        mprotect(base + place(Self.hole), Self.page, PROT_NONE)
    }

    func reset() {
        for range in writable {
            expected.withUnsafeBytes { expected in
                UnsafeMutableRawBufferPointer(rebasing: bytes[range])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: expected[range]))
            }
        }
    }

    /// Nothing outside of the windows has changed, and nothing of it has come into them.
    func check() {
        var start = 0
        for range in writable + [bytes.count..<bytes.count] {
            for part in [start..<range.lowerBound].flatMap(Self.withoutHole) where !part.isEmpty {
                let isKept = expected.withUnsafeBytes { expected in
                    UnsafeRawBufferPointer(rebasing: bytes[part])
                        .isEqual(to: UnsafeRawBufferPointer(rebasing: expected[part]))
                }
                require(isKept, "bytes \(part) of the arena have changed")
            }
            start = range.upperBound
        }
        // Window 4 can be written and not read: its own bytes are the secret.
        for range in writable where range.lowerBound != 10 * Self.page {
            let isFound = contains(UnsafeRawBufferPointer(rebasing: bytes[range]), secret)
            require(!isFound, "bytes \(range) of the arena have some that nobody may read")
        }
    }

    private static func withoutHole(_ range: Range<Int>) -> [Range<Int>] {
        let hole = hole * page..<(hole + 1) * page
        guard range.overlaps(hole) else { return [range] }
        return [range.lowerBound..<hole.lowerBound, hole.upperBound..<range.upperBound]
    }
}

/// One ring from its start to its end, on the engine's side.
@MainActor
private final class RingRun {
    private let memory: RingMemory
    private let arena: RingArena
    private var consumer: RingConsumer
    /// What the application has written: the engine must not change it.
    private var written: [UInt8]
    private let hasFaults: Bool
    /// The memory of a ring in a region, all of which the application can write.
    private let region: RegionBytes?

    private final class RegionBytes {
        let start: UnsafeMutableRawPointer
        private let byteCount: Int

        init(_ byteCount: Int) {
            let mapped = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            // A region that cannot be mapped is none: the system has no memory.
            guard let mapped, mapped != MAP_FAILED else { fail("no memory") }
            start = mapped
            self.byteCount = byteCount
        }

        deinit {
            munmap(start, byteCount)
        }
    }

    private var applicationBytes: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: memory.producerPage, count: memory.layout.applicationByteCount)
    }

    init(_ input: inout InputReader, _ arena: RingArena) {
        self.arena = arena
        let shape = input.byte()
        let features = input.byte()
        let layout = RingLayout(
            descriptorCount: 1 + Int(shape & 15), maximumEntries: [0, 1, 2, 8][Int(shape >> 4 & 3)])
        let region = features & 0x80 == 0 ? nil : RegionBytes(layout.byteCount)
        self.region = region
        let made = region.map { RingMemory(layout: layout, servedAt: $0.start, in: $0) } ?? RingMemory(layout: layout)
        guard let memory = made else { fail("no memory") }
        self.memory = memory
        written = Array(repeating: 0, count: layout.applicationByteCount)
        var faults: FaultInjector?
        if features & 2 != 0 { faults = Self.faults(&input, memory, isDelayed: features & 0x40 != 0) }
        hasFaults = faults != nil
        let space = AddressTranslation(.mapped(arena.own))
        let domains = RingDomains(
            map: .passUnretained(arena.domains), source: UInt16(features >> 3 & 7), destination: UInt16(shape >> 6))
        let giveBack: @Sendable (UInt64) -> Void = { _ in }
        consumer = RingConsumer(
            memory: memory, owner: RingConsumer.Owner(engine: arena.engine.id, ring: 1, device: 0, vchan: 0),
            spaces: AddressSpaces(source: space, destination: space),
            domains: features & 1 == 0 ? domains : nil, giveBack: features & 4 == 0 ? nil : giveBack, faults: faults)
    }

    /// - Parameter isDelayed: whether no completion is visible before the ring is detached.
    private static func faults(
        _ input: inout InputReader, _ memory: RingMemory, isDelayed: Bool
    ) -> FaultInjector? {
        let statuses = CompletionStatus.table.dropFirst()
        var plan = FaultPlan(delay: isDelayed ? .seconds(3600) : .zero)
        for _ in 0..<input.byte() & 3 {
            let number = UInt64(input.byte())
            let operations: [FaultPlan.Operations] = [.number(number), .every(number), .from(number)]
            let status = statuses[statuses.startIndex + Int(input.byte()) % statuses.count].status
            plan.failures.append(.init(operations[Int(input.byte()) % 3], status))
        }
        let (freeze, halt) = (UInt64(input.byte()), UInt64(input.byte()))
        if freeze < 64 { plan.freeze = .init(from: freeze) }
        if halt < 64 { plan.halt = .init(from: halt) }
        guard (try? plan.validate()) != nil else { return nil }
        return FaultInjector(RingFaults(plan: plan, before: UInt64(input.byte()), halt: DeviceHalt()), memory: memory)
    }

    func takeActions(_ input: inout InputReader) {
        for _ in 0..<64 where !input.rest.isEmpty {
            switch input.byte() & 7 {
            case 0: writeRaw(&input)
            case 1, 2: writeDescriptor(&input)
            case 3: writeEntry(&input)
            case 4: addToTail(UInt64(input.byte()))
            case 5: addToTail(input.number())
            case 6: for _ in 0..<1 + input.byte() & 7 { _ = consumer.step() }
            default: _ = consumer.finishPart()
            }
        }
    }

    private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        let bytes = UnsafeRawBufferPointer(rebasing: bytes.prefix(written.count - offset))
        UnsafeMutableRawBufferPointer(rebasing: applicationBytes[offset...]).copyMemory(from: bytes)
        written.withUnsafeMutableBytes {
            UnsafeMutableRawBufferPointer(rebasing: $0[offset...]).copyMemory(from: bytes)
        }
    }

    private func write<Value>(_ value: Value, at place: UnsafeMutablePointer<Value>) {
        let offset = UnsafeRawPointer(place) - UnsafeRawPointer(memory.producerPage)
        withUnsafeBytes(of: value) { write($0, at: offset) }
    }

    private func writeRaw(_ input: inout InputReader) {
        let count = region == nil ? written.count : memory.layout.byteCount
        let offset = Int(input.number(UInt16.self)) % count
        let bytes = input.take(Int(input.byte()))
        if offset < written.count { return write(bytes, at: offset) }
        // What the engine has published: it must not matter to it.
        (applicationBytes.baseAddress.unsafelyUnwrapped + offset)
            .copyMemory(from: Array(bytes.prefix(count - offset)), byteCount: min(bytes.count, count - offset))
    }

    private func addToTail(_ count: UInt64) {
        write(memory.producerPage.pointee.tail &+ count, at: memory.producerPage.member(\.tail))
    }

    private func address(_ input: inout InputReader) -> UInt64 {
        let base = arena.addresses[Int(input.byte()) % arena.addresses.count]
        return base &+ UInt64(bitPattern: Int64(Int16(bitPattern: input.number())))
    }

    private func writeDescriptor(_ input: inout InputReader) {
        let slot = Int(input.byte()) % memory.layout.slotCount
        let descriptor = dmadev_descriptor(
            src: address(&input), dst: address(&input), length: UInt32(input.number(UInt16.self)),
            kind: input.byte() % 5, flags: input.byte(), nb_src: input.byte(), nb_dst: input.byte(),
            src_handler: UInt16(input.byte() % 7), dst_handler: UInt16(input.byte() % 7), reserved: 0)
        write(descriptor, at: memory.descriptors + slot)
    }

    private func writeEntry(_ input: inout InputReader) {
        let place = Int(input.byte())
        let count = memory.layout.slotCount * memory.layout.entriesPerSlot
        guard count > 0 else { return }
        let entry = dmadev_sge(
            addr: address(&input), length: UInt32(input.number(UInt16.self)), reserved: 0)
        write(entry, at: memory.entries + place % count)
    }

    /// The engine executes what is left, and the ring is detached.
    func finish() {
        var steps = 0
        while !memory.isHalted, consumer.hasWork(), steps < 1000 {
            _ = consumer.step()
            steps += 1
        }
        require(steps < 1000 || hasFaults, "the ring does not come to an end")
        let tail = memory.producerPage.pointee.tail
        while consumer.finishPart() {}
        _ = consumer.abortAll()
        let completed = memory.consumerPage.pointee.completed
        let counters = memory.counters.statistics
        require(counters.completed == consumer.next, "\(counters.completed) counted, \(consumer.next) executed")
        require(hasFaults || completed == consumer.next, "\(completed) published, \(consumer.next) executed")
        // A frozen ring ends with the operations that fit into it, whatever was rung.
        require(memory.isHalted || hasFaults || consumer.next == tail, "\(consumer.next) executed, \(tail) rung")
        require(counters.errors <= counters.completed, "\(counters.errors) errors of \(counters.completed)")
        let known = Set(CompletionStatus.table.map(\.status.rawValue))
        for slot in 0..<memory.layout.slotCount {
            require(known.contains(memory.statuses[slot]), "the status \(memory.statuses[slot])")
        }
        require(
            memcmp(memory.producerPage, written, written.count) == 0,
            "the engine has written to the application's pages")
        consumer.deallocate()
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func isEqual(to other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count, let base = baseAddress, let start = other.baseAddress else { return false }
        return memcmp(base, start, count) == 0
    }
}
