import CDMADev
import TestSupport
import Testing

@testable import DMAEngine

/// What a device reaches in the domains of others: the check before each access.
@Suite struct DomainMapTests {
    private let engine: Engine
    private let map: DomainMap

    init() throws {
        engine = try Engine()
        map = DomainMap(engine: engine)
    }

    private func window(
        _ handler: UInt16, _ iova: UInt64, _ byteCount: UInt64, at address: UInt64 = 0x10_0000,
        reads: Bool = true, writes: Bool = true
    ) -> DomainMap.Window {
        DomainMap.Window(
            handler: handler, isReadable: reads, isWritable: writes, iova: iova, byteCount: byteCount, address: address)
    }

    private func publish(
        _ windows: [DomainMap.Window], members: [UInt16: TrafficCounter] = [:], own: UInt16 = 0
    ) {
        var members = members
        for window in windows where members[window.handler] == nil { members[window.handler] = TrafficCounter() }
        map.publish([
            DomainMap.Membership(
                group: DomainGroup(
                    number: 0, members: members.map { DomainGroup.Member(handler: $0.key, traffic: $0.value) },
                    windows: windows), own: own)
        ])
    }

    @Test("Maps of several groups find each window under its owner only, and one without the group finds none")
    func severalGroups() {
        let groups = (0..<3 as Range<Int16>).map { number in
            let handler = UInt16(number + 1)
            return DomainGroup(
                number: number, members: [DomainGroup.Member(handler: handler, traffic: TrafficCounter())],
                windows: [window(handler, UInt64(handler) * 0x1000, 0x1000)])
        }
        let other = DomainMap(engine: engine)
        map.publish(groups.map { DomainMap.Membership(group: $0, own: 9) })
        other.publish([DomainMap.Membership(group: groups[1], own: 2)])
        for handler: UInt16 in 1...3 {
            let iova = UInt64(handler) * 0x1000
            #expect(map.resolve(iova, of: handler, isWrite: false)?.byteCount == 0x1000)
            #expect(map.resolve(iova, of: handler % 3 + 1, isWrite: false) == nil)
            #expect((other.resolve(iova, of: handler, isWrite: false) != nil) == (handler == 2))
        }
        #expect(other.isOwn(2) && !map.isOwn(2) && map.isOwn(9))
    }

    @Test("An address in a window has a place in memory and the bytes that are left; one beside it has none")
    func bounds() {
        #expect(map.resolve(0, of: 1, isWrite: false) == nil)
        publish([window(1, 0x8000, 10)])
        for offset: UInt64 in 0..<10 {
            for isWrite in [false, true] {
                let found = map.resolve(0x8000 + offset, of: 1, isWrite: isWrite)
                #expect(found?.address == 0x10_0000 + offset && found?.byteCount == 10 - offset)
            }
        }
        for address: UInt64 in [0, 1, 0x7FFF, 0x800A, 0x9000, 1 << 63, .max] {
            #expect(map.resolve(address, of: 1, isWrite: false) == nil)
        }
    }

    @Test("Each of many windows is found, whatever order they come in, and nothing between them")
    func manyWindows() {
        let windows = (0..<100 as Range<UInt64>).map {
            window(UInt16($0 % 7 + 1), 0x1_0000 + $0 * 0x3000, 0x1000, at: 0x10_0000 + $0 * 0x1000)
        }
        publish(windows.reversed())
        for window in windows {
            let last = map.resolve(window.iova + 0xFFF, of: window.handler, isWrite: true)
            #expect(last?.address == window.address + 0xFFF && last?.byteCount == 1)
            #expect(map.resolve(window.iova, of: window.handler, isWrite: true)?.byteCount == 0x1000)
            #expect(map.resolve(window.iova + 0x1000, of: window.handler, isWrite: true) == nil)
            #expect(map.resolve(window.iova - 1, of: window.handler, isWrite: true) == nil)
        }
    }

    @Test("Windows of several members at one address are told apart by the handler")
    func equalAddresses() {
        let windows = (1...5 as ClosedRange<UInt16>).map { window($0, 0x8000, 0x1000, at: UInt64($0) << 20) }
        publish(windows + [window(3, 0x4000, 0x1000), window(3, 0xC000, 0x1000)])
        for handler: UInt16 in 1...5 {
            #expect(map.resolve(0x8010, of: handler, isWrite: true)?.address == UInt64(handler) << 20 + 0x10)
        }
        // Its owner has closed it: what the address is for others does not matter.
        publish(windows.filter { $0.handler != 3 }, members: [3: TrafficCounter()])
        #expect(map.resolve(0x8010, of: 3, isWrite: true) == nil)
        #expect(map.resolve(0x8010, of: 4, isWrite: true)?.address == 4 << 20 + 0x10)
    }

    @Test("A window is reached with its rights only, and under its owner's handler only")
    func rights() {
        publish([
            window(1, 0x1000, 16, writes: false), window(2, 0x2000, 16, reads: false),
            window(3, 0x3000, 16, reads: false, writes: false),
        ])
        #expect(map.resolve(0x1000, of: 1, isWrite: false) != nil)
        #expect(map.resolve(0x1000, of: 1, isWrite: true) == nil)
        #expect(map.resolve(0x2000, of: 2, isWrite: true) != nil)
        #expect(map.resolve(0x2000, of: 2, isWrite: false) == nil)
        #expect(map.resolve(0x3000, of: 3, isWrite: false) == nil)
        #expect(map.resolve(0x3000, of: 3, isWrite: true) == nil)
        for other: UInt16 in [0, 2, 3, 4, .max] { #expect(map.resolve(0x1000, of: other, isWrite: false) == nil) }
    }

    @Test("At the end of the address space nothing wraps around")
    func wrapAround() throws {
        let end = UInt64.max - 0xFFF
        publish([window(1, 0, 0x1000), window(1, end, 0x1000, at: 0x20_0000)])
        let last = map.resolve(.max, of: 1, isWrite: false)
        #expect(last?.address == 0x20_0FFF && last?.byteCount == 1)
        #expect(map.resolve(end - 1, of: 1, isWrite: false) == nil)
        #expect(map.resolve(0, of: 1, isWrite: false)?.address == 0x10_0000)
        // An operation whose range wraps moves nothing, though both of its ends lie in windows.
        let ring = try TestRing(engine: engine, descriptorCount: 4, domains: map)
        var local: [UInt64] = [7, 7]
        local.withUnsafeMutableBufferPointer { local in
            let own = UInt64(UInt(bitPattern: local.baseAddress))
            _ = ring.producer.enqueueCopy(.max - 3, own, length: 8, flags: Flags.source(1))
            _ = ring.producer.enqueueCopy(own, .max - 3, length: 8, flags: Flags.destination(1))
            _ = ring.producer.enqueueFill(1, .max - 3, length: .max, flags: Flags.destination(1))
            ring.producer.submit()
            #expect(ring.statuses(3) == [Code.invalidSource, Code.invalidDestination, Code.invalidDestination])
        }
        #expect(local == [7, 7])
        #expect(map.refusedAccesses == 3)
        ring.retire()
    }

    @Test("What is left out is out of reach at once; a revoked handler aborts, one without a window is refused")
    func revocation() throws {
        let counters = [1, 2, 3].reduce(into: [:]) { $0[UInt16($1)] = TrafficCounter() }
        var memory: [UInt64] = [1, 2]
        try memory.withUnsafeMutableBufferPointer { memory in
            let address = UInt64(UInt(bitPattern: memory.baseAddress))
            publish(
                [window(1, 0x1000, 8, at: address), window(2, 0x2000, 8, at: address)], members: counters, own: 3)
            #expect(map.isOwn(3) && !map.isOwn(1) && !map.isRevoked(1))
            let ring = try TestRing(engine: engine, descriptorCount: 4, domains: map)
            func copy(from handler: UInt16, _ source: UInt64) -> UInt16 {
                let flags = Flags.source(handler) | Flags.submit
                _ = ring.producer.enqueueCopy(source, address + 8, length: 8, flags: flags)
                return ring.statuses(1)[0]
            }
            #expect(copy(from: 1, 0x1000) == Code.successful)
            #expect(copy(from: 2, 0x2000) == Code.successful)
            // The device's own handler names its own memory.
            #expect(copy(from: 3, address) == Code.successful)

            publish([], members: counters.filter { $0.key != 1 }, own: 3)
            for handler: UInt16 in 1...2 {
                #expect(counters[handler]?.reading == DomainTraffic(readOperations: 1, readBytes: 8))
            }
            #expect(counters[3]?.reading == DomainTraffic())
            #expect(map.isRevoked(1) && !map.isRevoked(2))
            #expect(map.resolve(0x1000, of: 1, isWrite: false) == nil)
            #expect(copy(from: 1, 0x1000) == Code.aborted)
            #expect(map.refusedAccesses == 0)
            #expect(copy(from: 2, 0x2000) == Code.invalidSource)
            #expect(map.refusedAccesses == 1)

            // The number may come to another member.
            let counter = TrafficCounter()
            publish([window(1, 0x5000, 8, at: address)], members: [1: counter], own: 3)
            #expect(copy(from: 1, 0x1000) == Code.invalidSource)
            #expect(copy(from: 1, 0x5000) == Code.successful)
            #expect(counter.reading == DomainTraffic(readOperations: 1, readBytes: 8))
            ring.retire()
        }
    }

    @Test("When a window was taken away in the middle of an operation, the engine touches its memory no more")
    func revocationInTheMiddle() throws {
        let byteCount = 8 << 20
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 4096)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        let ring = try TestRing(engine: engine, descriptorCount: 16, domains: map)
        let address = UInt64(UInt(bitPattern: memory.baseAddress))
        for round in 0..<10 {
            publish([window(1, 0x1000, UInt64(byteCount), at: address)])
            for _ in 0..<8 {
                _ = ring.producer.enqueueFill(
                    .max, 0x1000, length: UInt32(byteCount), flags: Flags.destination(1))
            }
            ring.producer.submit()
            #expect(ring.statuses(1) == [Code.successful])
            // Without its window, or without its member.
            publish([], members: round % 2 == 0 ? [:] : [1: TrafficCounter()])
            memory.initializeMemory(as: UInt8.self, repeating: 0)
            let statuses = ring.statuses(7)
            let failure = round % 2 == 0 ? Code.aborted : Code.invalidDestination
            #expect(statuses.last == failure)
            #expect(statuses.allSatisfy { [Code.successful, failure].contains($0) })
            #expect(memory.allSatisfy { $0 == 0 })
        }
        ring.retire()
    }

    @Test("Through random contents and operations the map does what a plain model does")
    func randomContents() throws {
        var random = SeededGenerator(for: "random domain maps")
        let life = try DomainMapLife(engine: engine, map: map)
        for _ in 0..<150 {
            life.publish(&random)
            for _ in 0..<60 { life.probe(&random) }
            for _ in 0..<40 { life.operate(&random) }
        }
        life.end()
        // A life where everything is refused, or nothing is, tests little.
        for code in [Code.successful, Code.aborted, Code.invalidSource, Code.invalidDestination] {
            #expect(life.endings[code, default: 0] > 100, "\(life.endings)")
        }
    }
}

extension DomainMap {
    /// The virtual address of an IOVA, and the number of bytes of its window from there.
    func resolve(_ iova: UInt64, of handler: UInt16, isWrite: Bool) -> (address: UInt64, byteCount: UInt64)? {
        range(at: iova, of: handler, isWrite: isWrite).map {
            ($0.address + (iova - $0.start), $0.byteCount - (iova - $0.start))
        }
    }
}

/// Flags of operations that name members.
enum Flags {
    static let submit: UInt64 = 2

    static func source(_ handler: UInt16) -> UInt64 {
        UInt64(DMADEV_DESC_SRC_HANDLER) & 0x10 | UInt64(handler) << UInt64(DMADEV_OP_SRC_HANDLER_SHIFT)
    }

    static func destination(_ handler: UInt16) -> UInt64 {
        UInt64(DMADEV_DESC_DST_HANDLER) & 0x20 | UInt64(handler) << UInt64(DMADEV_OP_DST_HANDLER_SHIFT)
    }
}

/// How operations end.
enum Code {
    static let successful = UInt16(DMADEV_STATUS_SUCCESSFUL.rawValue)
    static let aborted = UInt16(DMADEV_STATUS_USER_ABORT.rawValue)
    static let invalidSource = UInt16(DMADEV_STATUS_INVALID_SRC_ADDR.rawValue)
    static let invalidDestination = UInt16(DMADEV_STATUS_INVALID_DST_ADDR.rawValue)
}
