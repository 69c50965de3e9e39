/// SplitMix64: the same seed gives the same numbers, so that a failure can be seen again.
public struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    /// A generator.
    public init(seed: UInt64) {
        state = seed
    }

    /// The next number.
    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }

    /// A seed for this run, printed so that it can be used again.
    public static func seed(for test: String) -> UInt64 {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("\(test): seed \(seed)")
        return seed
    }
}
