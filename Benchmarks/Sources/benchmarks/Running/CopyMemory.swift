import CPeers
import Glibc

/// The memory of a copy measurement: adjacent areas of one size, with all pages populated.
final class CopyMemory {
    let work: cpeers_work
    private let isOwn: Bool

    /// At most 4 MiB per side, with one area per operation in flight, so that no area is written while it is read.
    init(size: Int, burst: UInt32 = Lane.burst, touches: Bool = false) throws(Failure) {
        let byteCount = Self.byteCount(size: size)
        work = Self.work(size, burst, touches, try Self.map(byteCount), try Self.map(byteCount))
        isOwn = true
        fill()
    }

    /// Uses existing memory of at least ``byteCount(size:)`` bytes, which must outlive the object.
    init(size: Int, source: UnsafeMutableRawBufferPointer, destination: UnsafeMutableRawBufferPointer) {
        // The buffers have at least one page, so their addresses are not nil.
        let sides = [source, destination].map { $0.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self) }
        work = Self.work(size, Lane.burst, false, sides[0], sides[1])
        isOwn = false
        fill()
    }

    private static func areas(_ size: Int) -> UInt32 { UInt32(max(64, min(1024, (4 << 20) / size))) }

    /// Bytes per side.
    static func byteCount(size: Int) -> Int { Int(areas(size)) * size }

    private static func work(
        _ size: Int, _ burst: UInt32, _ touches: Bool, _ source: UnsafeMutablePointer<UInt8>,
        _ destination: UnsafeMutablePointer<UInt8>
    ) -> cpeers_work {
        let limit = UInt32(Lane.ring) - burst
        return cpeers_work(
            source: source, destination: destination, size: size, stride: size, areas: areas(size), burst: burst,
            in_flight: min(areas(size), limit), touches: touches)
    }

    private func fill() {
        for index in 0..<byteCount { work.source[index] = UInt8(truncatingIfNeeded: index &* 31 &+ index >> 8) }
    }

    deinit {
        guard isOwn else { return }
        munmap(work.source, byteCount)
        munmap(work.destination, byteCount)
    }

    var byteCount: Int { Int(work.areas) * work.size }

    private static func map(_ count: Int) throws(Failure) -> UnsafeMutablePointer<UInt8> {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE
        guard let memory = mmap(nil, count, PROT_READ | PROT_WRITE, flags, -1, 0), memory != MAP_FAILED else {
            throw Failure("no memory for \(count) bytes")
        }
        return memory.assumingMemoryBound(to: UInt8.self)
    }

    /// The function that a round runs, after one run has verified, with a cleared destination, that every byte is
    /// copied.
    ///
    /// - Parameter body: does the work for the given seconds; returns nanoseconds per operation.
    func verified(_ body: @escaping (cpeers_work, Double) throws -> Double) throws -> (Double) throws -> Double {
        memset(work.destination, 0, byteCount)
        _ = try valid(body(work, 0.001))
        guard memcmp(work.source, work.destination, byteCount) == 0 else {
            throw Failure("the destination has wrong bytes")
        }
        return { seconds in
            // The first pass warms the caches.
            _ = try self.valid(body(self.work, seconds / 10))
            return try self.valid(body(self.work, seconds))
        }
    }

    private func valid(_ nanoseconds: Double) throws(Failure) -> Double {
        guard nanoseconds > 0 else { throw Failure("a call failed with errno \(-nanoseconds)") }
        return nanoseconds
    }
}
