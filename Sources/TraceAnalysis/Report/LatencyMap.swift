/// Counts of times by their size and by when they were, in at most ``mostSteps`` equal steps, which get longer as time goes
/// on: the columns of a heat map.
public struct LatencyMap: Sendable {
    /// The most steps.
    public static let mostSteps = 60

    /// The steps up to the last value. The element `n` of each counts the values below 2ⁿ nanoseconds, and not below half
    /// of that.
    public var steps: [[UInt64]] {
        stride(from: 0, to: counts.count, by: Self.sizes).map { Array(counts[$0..<$0 + Self.sizes]) }
    }
    /// One step after the other.
    private var counts: [UInt64] = []
    private static let sizes = 65
    /// The step of the last value, because most have that of the one before.
    private var current = 0
    /// When the first begins, in nanoseconds since 1970.
    public private(set) var start: Int64 = 0
    /// The length of each, in nanoseconds.
    public private(set) var length: Int64 = 1_000_000

    /// Without values.
    public init() {}

    /// Adds a number of nanoseconds, that often. A time before the first one counts as the first.
    public mutating func add(_ value: UInt64, at time: Int64, times: UInt64 = 1) {
        if counts.isEmpty { start = time }
        let offset = max(0, time - start)
        let inCurrent = offset - Int64(current) * length
        if inCurrent < 0 || inCurrent >= length || counts.isEmpty { move(to: offset) }
        counts[current * Self.sizes + 64 - value.leadingZeroBitCount] += times
    }

    private mutating func move(to offset: Int64) {
        while offset / length >= Int64(Self.mostSteps) { double() }
        current = Int(offset / length)
        let needed = (current + 1) * Self.sizes
        if counts.count < needed { counts += Array(repeating: 0, count: needed - counts.count) }
    }

    private mutating func double() {
        length *= 2
        let old = counts
        counts = Array(repeating: 0, count: (old.count / Self.sizes + 1) / 2 * Self.sizes)
        for place in old.indices { counts[place / Self.sizes / 2 * Self.sizes + place % Self.sizes] += old[place] }
    }
}
