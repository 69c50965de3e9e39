import TestSupport
import Testing

@testable import DMAEngine

@Suite struct LatencyHistogramTests {
    @Test("Every latency lies below its bucket's bound and not below the one before")
    func bounds() {
        var random = SeededGenerator(for: "latency histogram")
        let edges = (0..<64).flatMap { shift in [-1, 0, 1].map { UInt64(1) << UInt64(shift) &+ UInt64(bitPattern: $0) }
        }
        for nanoseconds in edges + (0..<10_000).map({ _ in random.next() >> UInt64.random(in: 0..<64, using: &random) })
        {
            let bucket = LatencyHistogram.bucket(of: nanoseconds)
            #expect((0..<LatencyHistogram.bucketCount).contains(bucket))
            if let bound = LatencyHistogram.upperBound(of: bucket) { #expect(nanoseconds < bound) }
            if bucket > 0, let before = LatencyHistogram.upperBound(of: bucket - 1) { #expect(nanoseconds >= before) }
        }
    }

    @Test("Bounds grow, each by a quarter at most, and only the last bucket has none")
    func growth() {
        let bounds = (0..<LatencyHistogram.bucketCount).map { LatencyHistogram.upperBound(of: $0) }
        #expect(bounds.last == .some(nil))
        let finite = bounds.dropLast().compactMap { $0 }
        #expect(finite.count == bounds.count - 1)
        for (low, high) in zip(finite, finite.dropFirst()) { #expect(low < high && high <= low + low / 4) }
    }
}
