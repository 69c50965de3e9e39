import DMADev
import TestSupport
import Testing

@testable import DMAEngine

/// Consecutive operations in one range, which the engine looks up once.
@Suite struct RangeMemoryTests {
    /// How the memory at an IOVA is replaced, in another burst.
    enum Kind: CaseIterable {
        case mapped, attached, window
    }

    private static let byteCount = 4096

    @Test("No operation accesses memory that was removed, though the one before it did", arguments: Kind.allCases)
    func removal(kind: Kind) throws {
        let engine = try Engine()
        let map = IOVAMap(engine: engine)
        let domains = DomainMap(engine: engine)
        let ring = try TestRing(engine: engine, descriptorCount: 64, domains: kind == .window ? domains : nil) {
            guard kind != .window else { return }
            ($0.source, $0.destination) = (.processAndAttached(map), .processAndAttached(map))
            if kind == .mapped { ($0.source, $0.destination) = (.mapped(map), .mapped(map)) }
        }
        defer { ring.retire() }
        let buffers = (0..<2).map { _ in
            UnsafeMutableRawBufferPointer.allocate(byteCount: Self.byteCount, alignment: 4096)
        }
        defer { for buffer in buffers { buffer.deallocate() } }
        for round in 0..<50 {
            for buffer in buffers { buffer.initializeMemory(as: UInt8.self, repeating: 0) }
            let address = UInt64(UInt(bitPattern: buffers[round % 2].baseAddress))
            var (iova, flags): (UInt64, UInt64) = (0x10_0000, 0)
            switch kind {
            case .mapped: _ = try map.insert(address, byteCount: UInt64(Self.byteCount), iova: iova)
            case .attached:
                let part = MemoryRange(address: address, byteCount: UInt64(Self.byteCount))
                iova = try #require(try map.insertAttached([part], .bidirectional).first)
            case .window:
                flags = Flags.destination(1)
                domains.publish([membership(iova, address)])
            }
            #expect(fill(ring, iova, 0x11, flags).allSatisfy { $0 == Code.successful })
            #expect(buffers[round % 2].allSatisfy { $0 == 0x11 })
            #expect(buffers[1 - round % 2].allSatisfy { $0 == 0 })

            switch kind {
            case .mapped: #expect(map.remove(at: iova))
            case .attached: try map.removeAttached([iova], within: nil)
            case .window: domains.publish([membership(nil, address)])
            }
            #expect(fill(ring, iova, 0x22, flags).allSatisfy { $0 == Code.invalidDestination })
            #expect(buffers[round % 2].allSatisfy { $0 == 0x11 })
        }
    }

    @Test("Operations of one burst find their own ranges, forwards and backwards, and none between and across them")
    func severalRanges() throws {
        let engine = try Engine()
        let map = IOVAMap(engine: engine)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 4 * Self.byteCount, alignment: 4096)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        let base = UInt64(UInt(bitPattern: memory.baseAddress))
        // In the opposite order, with an unmapped page behind each.
        try map.insert(
            (0..<4).map {
                IOVAMap.Range(
                    iova: $0 * 0x2000, byteCount: UInt64(Self.byteCount),
                    address: base + (3 - $0) * UInt64(Self.byteCount))
            })
        let ring = try TestRing(engine: engine, descriptorCount: 64) {
            ($0.source, $0.destination) = (.mapped(map), .mapped(map))
        }
        defer { ring.retire() }
        let (ok, from, to) = (Code.successful, Code.invalidSource, Code.invalidDestination)
        let operations: [(from: UInt64, to: UInt64, length: UInt32, status: UInt16)] = [
            (0, 0x2000, 8, ok), (8, 0x2008, 8, ok), (0x2008, 0x10, 8, ok), (0, 0x6000, 8, ok), (0x0FF8, 0x6FF8, 8, ok),
            (0x0FF9, 0x6000, 8, from), (0, 0x6FF9, 8, to), (0x1000, 0x2000, 8, from), (0, 0x3000, 8, to),
            (0x6000, 0, 8, ok), (0x4000, 0x2FF8, 8, ok), (0x4008, 0x2FF0, 8, ok), (0x8000, 0, 8, from),
            (.max - 7, 0, 8, from), (0, .max - 3, 8, to), (0x6000, 0x2000, 4096, ok), (0x6000, 0x2001, 4096, to),
        ]
        for operation in operations {
            _ = ring.producer.enqueueCopy(operation.from, operation.to, length: operation.length, flags: 0)
        }
        ring.producer.submit()
        #expect(ring.statuses(operations.count) == operations.map(\.status))
    }

    /// Fills the page at an IOVA, in a burst of operations.
    private func fill(_ ring: TestRing, _ iova: UInt64, _ byte: UInt64, _ flags: UInt64) -> [UInt16] {
        for part in 0..<32 as Range<UInt64> {
            _ = ring.producer.enqueueFill(
                byte * 0x0101_0101_0101_0101, iova + part * 128, length: 128, flags: flags)
        }
        ring.producer.submit()
        return ring.statuses(32)
    }

    private func membership(_ iova: UInt64?, _ address: UInt64) -> DomainMap.Membership {
        let windows = iova.map {
            DomainMap.Window(
                handler: 1, isReadable: true, isWritable: true, iova: $0, byteCount: UInt64(Self.byteCount),
                address: address)
        }
        return DomainMap.Membership(
            group: DomainGroup(
                number: 0, members: [DomainGroup.Member(handler: 1, traffic: TrafficCounter())],
                windows: windows.map { [$0] } ?? []), own: 9)
    }
}
