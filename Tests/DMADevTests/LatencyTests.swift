import DMADev
import TestSupport
import Testing

@Suite struct LatencyTests {
    @Test("Every latency lies below its bucket's bound and not below the one before")
    func bounds() {
        var random = SeededGenerator(for: "latency histogram")
        let edges = (0..<64).flatMap { shift in [-1, 0, 1].map { UInt64(1) << UInt64(shift) &+ UInt64(bitPattern: $0) }
        }
        for nanoseconds in edges + (0..<10_000).map({ _ in random.next() >> UInt64.random(in: 0..<64, using: &random) })
        {
            let bucket = Latency.bucket(of: nanoseconds)
            #expect((0..<Latency.bucketCount).contains(bucket))
            if let bound = Latency.upperBound(ofBucket: bucket) { #expect(nanoseconds < bound) }
            if bucket > 0, let before = Latency.upperBound(ofBucket: bucket - 1) { #expect(nanoseconds >= before) }
        }
    }

    @Test("Bounds grow, each by a quarter at most, and only the last bucket has none")
    func growth() {
        let bounds = (0..<Latency.bucketCount).map { Latency.upperBound(ofBucket: $0) }
        #expect(bounds.last == .some(nil))
        let finite = bounds.dropLast().compactMap { $0 }
        #expect(finite.count == bounds.count - 1)
        for (low, high) in zip(finite, finite.dropFirst()) { #expect(low < high && high <= low + low / 4) }
    }
}
