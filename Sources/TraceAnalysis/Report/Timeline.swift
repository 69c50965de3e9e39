/// The mean and the maximum of a figure over time, in at most ``mostSteps`` equal steps, which get longer as time goes on.
public struct Timeline: Sendable {
    /// One step.
    public struct Step: Sendable {
        /// How many values.
        public internal(set) var count: UInt64 = 0
        /// Their sum.
        public internal(set) var sum: UInt64 = 0
        /// Their maximum.
        public internal(set) var maximum: UInt64 = 0

        /// Their mean; 0 without any.
        public var mean: Double { count > 0 ? Double(sum) / Double(count) : 0 }
    }

    /// The most steps.
    public static let mostSteps = 60

    /// The steps up to the last value.
    public private(set) var steps: [Step] = []
    /// When the first begins, in nanoseconds since 1970.
    public private(set) var start: Int64 = 0
    /// The length of each, in nanoseconds.
    public private(set) var length: Int64 = 1_000_000

    /// Without values.
    public init() {}

    /// Adds a value. A time before the first one counts as the first.
    public mutating func add(_ value: UInt64, at time: Int64) {
        if steps.isEmpty { start = time }
        let offset = max(0, time - start)
        while offset / length >= Int64(Self.mostSteps) { double() }
        let place = Int(offset / length)
        while steps.count <= place { steps.append(Step()) }
        steps[place].count += 1
        steps[place].sum += value
        steps[place].maximum = max(steps[place].maximum, value)
    }

    private mutating func double() {
        length *= 2
        steps = stride(from: 0, to: steps.count, by: 2).map { place in
            var step = steps[place]
            guard place + 1 < steps.count else { return step }
            step.count += steps[place + 1].count
            step.sum += steps[place + 1].sum
            step.maximum = max(step.maximum, steps[place + 1].maximum)
            return step
        }
    }
}
