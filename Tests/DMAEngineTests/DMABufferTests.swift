import CDMADev
import DMADev
import RingTestSupport
import TestSupport
import Testing

@testable import DMAEngine

/// How operations on dma-bufs are synchronized with other users; the calls are recorded instead of made.
@Suite struct DMABufferTests {
    /// Memory of four pages: the second is dma-buf 7, the third 8.
    private struct Bench {
        let record = SynchronizationRecord()
        let buffers: DMABufferMap
        let ring: TestRing
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 4 * 4096, alignment: 4096)

        init(isMapped: Bool = false) throws {
            let engine = try Engine()
            let buffers = DMABufferMap(engine: engine, calls: record.functions)
            self.buffers = buffers
            bytes.initializeMemory(as: UInt8.self, repeating: 1)
            let base = UInt64(UInt(bitPattern: bytes.baseAddress))
            var space = AddressSpace.process
            if isMapped {
                let map = IOVAMap(engine: engine)
                // Pages in the opposite order.
                try map.insert(
                    (0..<4).map { IOVAMap.Range(iova: $0 << 20, byteCount: 4096, address: base + (3 - $0) * 4096) })
                space = .mapped(map)
            }
            ring = try TestRing(engine: engine, descriptorCount: 64) { configuration in
                configuration.buffers = buffers
                configuration.source = space
                configuration.destination = space
            }
            buffers.insert(address: base + 8192, byteCount: 4096, descriptor: 8)
            buffers.insert(address: base + 4096, byteCount: 4096, descriptor: 7)
        }

        func page(_ number: UInt64) -> UInt64 { UInt64(UInt(bitPattern: bytes.baseAddress)) + number * 4096 }

        func end() {
            ring.retire()
            bytes.deallocate()
        }
    }

    @Test("Each buffer's access begins and ends once a burst, with the directions of all its operations")
    func oncePerBurst() throws {
        let bench = try Bench()
        defer { bench.end() }
        let producer = bench.ring.producer
        for offset in 0..<8 as Range<UInt64> {
            _ = producer.enqueueCopy(bench.page(1) + offset, bench.page(2) + offset, length: 1, flags: 0)
        }
        producer.submit()
        #expect(bench.ring.statuses(8) == Array(repeating: 0, count: 8))
        let calls = bench.record.take()
        // The engine may have seen the burst only; its parts have the same form.
        #expect(calls == ["+r7", "+w8", "-r7", "-w8"])

        _ = producer.enqueueFill(0, bench.page(1), length: 8, flags: 0)
        _ = producer.enqueueCopy(bench.page(1), bench.page(0), length: 8, flags: 0)
        producer.submit()
        #expect(bench.ring.statuses(2) == [0, 0])
        #expect(bench.record.take() == ["+rw7", "-rw7"])
    }

    @Test("Operations on other memory are not synchronized, nor is any once the buffers are removed")
    func otherMemory() throws {
        let bench = try Bench()
        defer { bench.end() }
        let producer = bench.ring.producer
        _ = producer.enqueueCopy(bench.page(0), bench.page(3), length: 4096, flags: 0)
        // Of an address that no process has.
        _ = producer.enqueueCopy(.max - 5, bench.page(3), length: 4096, flags: 0)
        producer.submit()
        #expect(bench.ring.statuses(2) == [0, 3])
        #expect(bench.record.take().isEmpty)
        // From the first page into the buffer behind it.
        _ = producer.enqueueFill(2, bench.page(0), length: 4097, flags: OperationFlags.submit.rawValue)
        #expect(bench.ring.statuses(1) == [0])
        #expect(bench.record.take() == ["+w7", "-w7"])
        bench.buffers.remove(address: bench.page(1))
        bench.buffers.remove(address: bench.page(2))
        _ = producer.enqueueFill(3, bench.page(1), length: 8192, flags: OperationFlags.submit.rawValue)
        #expect(bench.ring.statuses(1) == [0])
        #expect(bench.record.take().isEmpty)
    }

    @Test("Buffers are found behind IOVAs and in lists")
    func lists() throws {
        let bench = try Bench(isMapped: true)
        defer { bench.end() }
        func entry(_ page: UInt64, _ length: UInt32) -> dmadev_sge {
            dmadev_sge(addr: (3 - page) << 20, length: length, reserved: 0)
        }
        _ = bench.ring.producer.enqueueCopy(
            [entry(0, 16), entry(1, 16)], [entry(2, 8), entry(3, 24)], 2, 2, flags: OperationFlags.submit.rawValue)
        #expect(bench.ring.statuses(1) == [0])
        #expect(bench.record.take() == ["+r7", "+w8", "-r7", "-w8"])
    }

    @Test("Operations on a buffer whose access cannot begin end with a status, the others do not")
    func refusals() throws {
        let bench = try Bench()
        defer { bench.end() }
        bench.record.refuse(8)
        let producer = bench.ring.producer
        _ = producer.enqueueCopy(bench.page(0), bench.page(1), length: 64, flags: 0)
        _ = producer.enqueueCopy(bench.page(0), bench.page(2), length: 64, flags: 0)
        _ = producer.enqueueCopy(bench.page(2), bench.page(1), length: 64, flags: 0)
        _ = producer.enqueueCopy(bench.page(0), bench.page(1), length: 64, flags: 0)
        _ = producer.enqueueFill(5, bench.page(3), length: 64, flags: OperationFlags.fence.rawValue)
        producer.submit()
        // bus_write_error, bus_read_error; the fence comes after a failure.
        #expect(bench.ring.statuses(5) == [0, 9, 8, 0, 2])
        #expect(bench.bytes[3 * 4096] == 1)
        let calls = bench.record.take()
        #expect(calls.filter { $0.hasPrefix("+") }.count == calls.filter { $0.hasPrefix("-") }.count)
        bench.record.refuse(-1)
        _ = producer.enqueueCopy(bench.page(0), bench.page(2), length: 64, flags: OperationFlags.submit.rawValue)
        #expect(bench.ring.statuses(1) == [0])
        #expect(bench.record.take() == ["+w8", "-w8"])
    }

    @Test("A large operation is synchronized for each of its parts")
    func largeOperation() throws {
        let record = SynchronizationRecord()
        let engine = try Engine()
        let buffers = DMABufferMap(engine: engine, calls: record.functions)
        let size = 1 << 20
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * size, alignment: 4096)
        defer { bytes.deallocate() }
        bytes.initializeMemory(as: UInt8.self, repeating: 7)
        let base = UInt64(UInt(bitPattern: bytes.baseAddress))
        buffers.insert(address: base + UInt64(size), byteCount: UInt64(size), descriptor: 9)
        let ring = try TestRing(engine: engine, descriptorCount: 32) { $0.buffers = buffers }
        _ = ring.producer.enqueueCopy(
            base, base + UInt64(size), length: UInt32(size), flags: OperationFlags.submit.rawValue)
        #expect(ring.statuses(1) == [0])
        ring.retire()
        #expect(record.take() == (0..<4).flatMap { _ in ["+w9", "-w9"] })
    }
}
