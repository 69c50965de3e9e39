/// Counts of times by their size and by when they were, in at most ``mostSteps`` equal steps, which get longer as time goes
/// on: the columns of a heat map.
public struct LatencyMap: Sendable {
    /// The most steps.
    public static let mostSteps = 60

    /// The steps up to the last value. The element `n` of each counts the values below 2ⁿ nanoseconds, and not below half
    /// of that.
    public private(set) var steps: [[UInt64]] = []
    /// When the first begins, in nanoseconds since 1970.
    public private(set) var start: Int64 = 0
    /// The length of each, in nanoseconds.
    public private(set) var length: Int64 = 1_000_000

    /// Without values.
    public init() {}

    /// Adds a number of nanoseconds. A time before the first one counts as the first.
    public mutating func add(_ value: UInt64, at time: Int64) {
        if steps.isEmpty { start = time }
        let offset = max(0, time - start)
        while offset / length >= Int64(Self.mostSteps) { double() }
        let place = Int(offset / length)
        while steps.count <= place { steps.append(Array(repeating: 0, count: 65)) }
        steps[place][64 - value.leadingZeroBitCount] += 1
    }

    private mutating func double() {
        length *= 2
        steps = stride(from: 0, to: steps.count, by: 2).map { place in
            guard place + 1 < steps.count else { return steps[place] }
            return zip(steps[place], steps[place + 1]).map { $0 + $1 }
        }
    }
}
