import DMADev
import CDMADev
import DMAEngine
import Foundation
import TestSupport
import Testing

@Suite struct DescriptorRingTests {
    @Test("A large copy arrives whole, though it is moved in chunks")
    func largeCopy() throws {
        let ring = try TestRing(engine: Engine(), descriptorCount: 4)
        defer { ring.retire() }
        let bytes = 3 * 256 * 1024 + 4097
        let source = [UInt8](unsafeUninitializedCapacity: bytes) { buffer, count in
            for index in 0..<bytes { buffer[index] = UInt8(truncatingIfNeeded: index &* 31 &+ index >> 8) }
            count = bytes
        }
        var destination = [UInt8](repeating: 0, count: bytes)
        source.withUnsafeBytes { source in
            destination.withUnsafeMutableBytes { destination in
                _ = ring.producer.enqueueCopy(
                    address(source.baseAddress), address(destination.baseAddress), length: UInt32(bytes),
                    flags: 2)
                #expect(ring.statuses(1) == [0])
            }
        }
        #expect(source == destination)
    }

    @Test("A large fill keeps the pattern's phase from chunk to chunk")
    func largeFill() throws {
        let ring = try TestRing(engine: Engine(), descriptorCount: 4)
        defer { ring.retire() }
        let bytes = 2 * 256 * 1024 + 5
        var destination = [UInt8](repeating: 0, count: bytes + 1)
        destination.withUnsafeMutableBytes { destination in
            _ = ring.producer.enqueueFill(
                0x0807_0605_0403_0201, address(destination.baseAddress), length: UInt32(bytes), flags: 2)
            #expect(ring.statuses(1) == [0])
        }
        #expect(destination[..<bytes].enumerated().allSatisfy { $1 == UInt8($0 % 8 + 1) })
        #expect(destination[bytes] == 0)
    }

    @Test("Work before the doorbell is not the engine's; retiring makes it vanish and counts it nowhere")
    func notRung() throws {
        let ring = try TestRing(engine: Engine(), descriptorCount: 8)
        var target: UInt64 = 0
        withUnsafeMutableBytes(of: &target) { target in
            _ = ring.producer.enqueueFill(7, address(target.baseAddress), length: 8, flags: 0)
            #expect(ring.isIdle)
            ring.retire()
        }
        #expect(target == 0)
        #expect(ring.statistics == Statistics(submitted: 0, completed: 0, errors: 0))
    }

    @Test("Retiring finishes or aborts what was rung, and counts all of it as completed")
    func retiring() throws {
        let ring = try TestRing(engine: Engine(), descriptorCount: 256)
        let bytes = 1 << 20
        var buffer = [UInt8](repeating: 1, count: 2 * bytes)
        buffer.withUnsafeMutableBytes { buffer in
            let base = address(buffer.baseAddress)
            for _ in 0..<200 {
                _ = ring.producer.enqueueCopy(base, base + UInt64(bytes), length: UInt32(bytes), flags: 0)
            }
            ring.producer.submit()
            ring.retire()
        }
        let statuses = ring.statuses(200)
        let aborted = statuses.filter { $0 == UInt16(DMADEV_STATUS_USER_ABORT.rawValue) }.count
        #expect(statuses.allSatisfy { $0 == 0 || $0 == UInt16(DMADEV_STATUS_USER_ABORT.rawValue) })
        #expect(Array(statuses.prefix(200 - aborted)).allSatisfy { $0 == 0 })
        #expect(ring.statistics == Statistics(submitted: 200, completed: 200, errors: UInt64(aborted)))
    }

    @Test("In silent mode a slot is free when its operation is done, without a poll")
    func silent() throws {
        let ring = try TestRing(engine: Engine(), descriptorCount: 4, isSilent: true)
        defer { ring.retire() }
        var target: UInt64 = 0
        withUnsafeMutableBytes(of: &target) { target in
            for value in 1...1000 as ClosedRange<UInt64> {
                while ring.producer.enqueueFill(value, address(target.baseAddress), length: 8, flags: 2) == -ENOSPC {}
            }
            while !ring.isIdle {}
        }
        #expect(target == 1000)
        #expect(ring.producer.burstCapacity() == 4)
    }

    /// An engine that sleeps early meets the doorbell at every step of falling asleep; a lost wake-up never ends. Of a
    /// whole burst the doorbell is long in coming: what was enqueued before it must reach the ring first.
    @Test(
        "An engine that falls asleep hears the next doorbell, each of many times", .timeLimit(.minutes(30)),
        arguments: [1, 32])
    func wakingUp(burst: Int) throws {
        let ring = try TestRing(engine: Engine(idleRounds: 20), descriptorCount: 64)
        defer { ring.retire() }
        var random = SeededGenerator(for: "waking up")
        var target: UInt64 = 0
        let (producer, rounds) = (ring.producer, ThreadSanitizer.isActive ? 5_000 : 100_000)
        var (refused, failed) = (0, 0)
        withUnsafeMutableBytes(of: &target) { target in
            let place = address(target.baseAddress)
            for _ in 0..<rounds {
                for _ in 0..<burst where producer.enqueueFill(1, place, length: 8, flags: 0) < 0 {
                    refused += 1
                }
                producer.submit()
                var (lastIndex, hasError) = (UInt16(0), false)
                var waiting = Int32(burst)
                while waiting > 0 {
                    waiting -= producer.completed(upTo: UInt16(waiting), lastIndex: &lastIndex, hasError: &hasError)
                    if hasError { failed += 1 }
                }
                // From at once to asleep for long.
                for _ in 0..<(random.next() % 64) { _ = producer.burstCapacity() }
            }
        }
        #expect(refused == 0 && failed == 0)
        #expect(ring.statistics.completed == UInt64(rounds * burst))
    }

    @Test("Rings share an engine and come and go while others work")
    func sharing() throws {
        let engine = try Engine()
        let ring = try TestRing(engine: engine, descriptorCount: 16)
        var target: UInt64 = 0
        try withUnsafeMutableBytes(of: &target) { target in
            for round in 0..<300 as Range<UInt64> {
                let other = try TestRing(engine: engine, descriptorCount: 2)
                _ = ring.producer.enqueueFill(round, address(target.baseAddress), length: 8, flags: 2)
                var scratch: UInt64 = 0
                withUnsafeMutableBytes(of: &scratch) { scratch in
                    _ = other.producer.enqueueFill(round, address(scratch.baseAddress), length: 8, flags: 2)
                    #expect(other.statuses(1) == [0])
                }
                other.retire()
                #expect(scratch == round)
                #expect(ring.statuses(1) == [0])
            }
        }
        ring.retire()
        #expect(target == 299)
    }
}

private func address(_ pointer: UnsafeRawPointer?) -> UInt64 {
    UInt64(UInt(bitPattern: pointer))
}
