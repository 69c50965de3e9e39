import Foundation

/// Random numbers that can be had again: a test prints the seed, and `DMASCOPE_SEED` sets it.
public struct SeededGenerator: RandomNumberGenerator {
    /// What the sequence began with.
    public let seed: UInt64
    private var state: UInt64

    /// A new sequence, from `DMASCOPE_SEED` when that is set.
    ///
    /// - Parameter test: named in the line that tells the seed.
    public init(for test: String) {
        let given = ProcessInfo.processInfo.environment["DMASCOPE_SEED"].flatMap { UInt64($0) }
        self.init(seed: given ?? .random(in: 1 ... .max))
        print("\(test): DMASCOPE_SEED=\(seed)")
    }

    /// The sequence of a seed.
    public init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    /// The next number (SplitMix64).
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
