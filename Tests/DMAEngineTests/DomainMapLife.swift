import CDMADev
import TestSupport
import Testing

@testable import DMAEngine

/// A map and its model, side by side through random contents and operations.
final class DomainMapLife {
    /// What must hold, as plainly as it can be said.
    private struct Model {
        var windows: [DomainMap.Window] = []
        var known: Set<UInt16> = []
        var revoked: Set<UInt16> = []
        /// Of the members, also of those that have left.
        var traffic: [UInt16: DomainTraffic] = [:]
        var refused: UInt64 = 0

        /// Where a byte of a member is, and how many bytes of its window are left from there.
        func place(_ iova: UInt64, _ handler: UInt16, isWrite: Bool) -> (address: UInt64, left: UInt64)? {
            for window in windows where window.handler == handler {
                guard isWrite ? window.isWritable : window.isReadable else { continue }
                for offset in 0..<window.byteCount where window.iova &+ offset == iova {
                    return (window.address + offset, window.byteCount - offset)
                }
            }
            return nil
        }
    }

    private static let areaCount = 8
    private static let areaSize: UInt64 = 64
    private static let members: ClosedRange<UInt16> = 1...5
    private static let own: UInt16 = 6

    /// How many operations ended in which way.
    private(set) var endings: [UInt16: Int] = [:]
    private let map: DomainMap
    private let ring: TestRing
    /// The members' memory: areas with as much between them that belongs to nobody, and the device's own behind.
    private let memory: UnsafeMutableRawBufferPointer
    private var expected: [UInt8]
    private var model = Model()
    private var counters: [UInt16: TrafficCounter] = [:]

    init(engine: Engine, map: DomainMap) throws {
        self.map = map
        ring = try TestRing(engine: engine, descriptorCount: 16, domains: map)
        let byteCount = (2 * Self.areaCount + 2) * Int(Self.areaSize)
        memory = .allocate(byteCount: byteCount, alignment: 64)
        expected = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        memory.copyBytes(from: expected)
    }

    deinit {
        memory.deallocate()
    }

    func end() { ring.retire() }

    private var base: UInt64 { UInt64(UInt(bitPattern: memory.baseAddress)) }
    private func area(_ number: Int) -> UInt64 { base + UInt64(2 * number) * Self.areaSize }

    /// Other windows, under handlers some of which are gone.
    func publish(_ random: inout SeededGenerator) {
        var windows: [DomainMap.Window] = []
        let live = Set(Self.members.filter { _ in .random(using: &random) })
        let bases: [UInt64] = [0, 0x8000, 1 << 63, 0 &- 4 * Self.areaSize]
        let start = bases.randomElement(using: &random) ?? 0
        // Each member has addresses of its own, which those of others overlap.
        var ends: [UInt16: UInt64] = [:]
        for number in 0..<Self.areaCount {
            guard let handler = live.sorted().randomElement(using: &random) else { break }
            // Some touch each other, and none reaches beyond the last address.
            let iova = (ends[handler] ?? start) &+ ([0, 1, 40].randomElement(using: &random) ?? 0)
            let byteCount = UInt64.random(in: 1...Self.areaSize, using: &random)
            guard iova <= .max - byteCount else { break }
            let rights = Int.random(in: 1...3, using: &random)
            windows.append(
                DomainMap.Window(
                    handler: handler, isReadable: rights & 1 != 0, isWritable: rights & 2 != 0, iova: iova,
                    byteCount: byteCount, address: area(number)))
            ends[handler] = iova + byteCount
        }
        windows.shuffle(using: &random)
        model.known.formUnion(live)
        model.revoked = model.known.subtracting(live)
        model.windows = windows
        for handler in live.union([Self.own]) where counters[handler] == nil {
            counters[handler] = TrafficCounter()
            model.traffic[handler] = DomainTraffic()
        }
        // In one group or in two, whose windows are between each other.
        let isDivided = Bool.random(using: &random)
        let groups = (0..<2 as Range<Int16>).map { number in
            func isHere(_ handler: UInt16) -> Bool { (isDivided && handler % 2 == 0) == (number == 1) }
            return DomainGroup(
                number: number,
                members: live.union([Self.own]).filter(isHere).compactMap { handler in
                    counters[handler].map { DomainGroup.Member(handler: handler, traffic: $0) }
                }, windows: windows.filter { isHere($0.handler) })
        }
        map.publish(groups.map { DomainMap.Membership(group: $0, own: Self.own) })
    }

    /// An address in a window or near one of its ends.
    private func address(_ random: inout SeededGenerator) -> UInt64 {
        guard let window = model.windows.randomElement(using: &random) else { return random.next() }
        let offset = UInt64.random(in: 0...window.byteCount + 2, using: &random)
        return window.iova &+ offset &- (.random(using: &random) ? 1 : 0)
    }

    /// Looks one address up.
    func probe(_ random: inout SeededGenerator) {
        let (iova, handler) = (address(&random), UInt16.random(in: 0...7, using: &random))
        for isWrite in [false, true] {
            let found = map.resolve(iova, of: handler, isWrite: isWrite)
            let right = model.place(iova, handler, isWrite: isWrite)
            #expect(found?.address == right?.address && found?.byteCount == right?.left, "\(iova) of \(handler)")
        }
    }

    /// Executes one copy or fill.
    func operate(_ random: inout SeededGenerator) {
        let length = UInt64.random(in: 1...Self.areaSize, using: &random)
        let isFill = Int.random(in: 0..<4, using: &random) == 0
        let (source, destination) = (side(0, length, &random), side(1, length, &random))
        var status = Code.successful
        var moves: [(from: UInt64, to: UInt64)] = []
        // What does not fit into the address space is refused before a byte is moved.
        if !isFill, source.address.addingReportingOverflow(length).overflow {
            status = Code.invalidSource
        } else if destination.address.addingReportingOverflow(length).overflow {
            status = Code.invalidDestination
        }
        for offset in 0..<length where status == Code.successful {
            let from = isFill ? base : place(source, offset, isWrite: false)
            let to = place(destination, offset, isWrite: true)
            guard let from else {
                status = Code.invalidSource
                break
            }
            guard let to else {
                status = Code.invalidDestination
                break
            }
            moves.append((from, to))
        }
        // In which order the parts of a copy onto itself go is another test's matter.
        guard isFill || Set(moves.map(\.from)).isDisjoint(with: moves.map(\.to)) else { return }

        let pattern = random.next()
        if status == Code.successful {
            for (offset, move) in moves.enumerated() {
                expected[Int(move.to - base)] =
                    isFill
                    ? UInt8(truncatingIfNeeded: pattern >> (UInt64(offset) % 8 * 8)) : expected[Int(move.from - base)]
            }
            note(isFill ? 0 : source.handler, destination.handler, length)
        } else {
            let handler = status == Code.invalidSource ? source.handler : destination.handler
            if model.revoked.contains(handler) {
                status = Code.aborted
            } else {
                model.refused += 1
            }
        }
        let flags = Flags.source(source.handler) | Flags.destination(destination.handler) | Flags.submit
        if isFill {
            _ = ring.producer.enqueueFill(
                pattern, destination.address, length: UInt32(length),
                flags: Flags.destination(destination.handler) | Flags.submit)
        } else {
            _ = ring.producer.enqueueCopy(
                source.address, destination.address, length: UInt32(length), flags: flags)
        }
        let ended = ring.statuses(1)[0]
        endings[ended, default: 0] += 1
        #expect(ended == status, "\(source) to \(destination), \(length) bytes, fill: \(isFill)")
        if status != Code.successful {
            // How far it came is left open; it touched no more than what it may.
            for move in moves { expected[Int(move.to - base)] = memory[Int(move.to - base)] }
        }
        #expect(memory.elementsEqual(expected))
        #expect(counters.mapValues(\.reading) == model.traffic)
        #expect(map.refusedAccesses == model.refused)
    }

    private typealias Side = (handler: UInt16, address: UInt64)

    /// A member's address, or the device's own, under no handler or its own one.
    private func side(_ number: UInt64, _ length: UInt64, _ random: inout SeededGenerator) -> Side {
        let handler = UInt16.random(in: 0...7, using: &random)
        guard handler == 0 || handler == Self.own else { return (handler, address(&random)) }
        return (handler, area(Self.areaCount) + number * Self.areaSize)
    }

    private func place(_ side: Side, _ offset: UInt64, isWrite: Bool) -> UInt64? {
        side.handler == 0 || side.handler == Self.own
            ? side.address + offset : model.place(side.address &+ offset, side.handler, isWrite: isWrite)?.address
    }

    private func note(_ source: UInt16, _ destination: UInt16, _ length: UInt64) {
        let source = source == Self.own ? 0 : source
        let destination = destination == Self.own ? 0 : destination
        model.traffic[source]?.readOperations += 1
        model.traffic[source]?.readBytes += length
        model.traffic[destination]?.writtenOperations += 1
        model.traffic[destination]?.writtenBytes += length
    }
}
