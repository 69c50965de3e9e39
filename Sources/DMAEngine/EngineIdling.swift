/// What an engine does when it has no work.
public enum EngineIdling: String, CaseIterable, Sendable {
    /// It spins for about 25 µs, then sleeps until the next doorbell, which pays the wake-up: 30 to 100 µs. A started device
    /// without work needs no processor time.
    case sleep
    /// The same, but if doorbells come at regular intervals, the engine wakes shortly before the next one and spins. It spins
    /// for at most a third of an interval, and for all of one below 200 µs. When the doorbells become irregular, or end, it
    /// sleeps as ever.
    case adaptive
    /// It never sleeps, and a processor is always busy. After a long pause an operation takes microseconds all the same,
    /// because its memory has left the caches.
    case spin
}

/// Forecasts the next doorbell from the pauses before the last ones.
///
/// The mean of the pauses and their mean deviation are estimated as TCP estimates round-trip times (RFC 6298), and so is how
/// late the system's timer wakes the thread. All times are in nanoseconds since the beginning of a pause.
struct PauseForecast {
    /// How to spend a pause.
    struct Plan: Equatable {
        /// The time to sleep first; 0: it is too short for a sleep.
        var sleep: UInt64
        /// When to spin no longer.
        var end: UInt64
    }

    private struct Estimate {
        private(set) var mean: Double = 0
        private(set) var deviation: Double = 0
        private(set) var count = 0

        mutating func add(_ value: Double) {
            if count == 0 {
                (mean, deviation) = (value, value / 2)
            } else {
                deviation += (abs(value - mean) - deviation) / 4
                mean += (value - mean) / 8
            }
            count += 1
        }

        /// Most values are below it.
        var upperEnd: Double { mean + 1.5 * deviation }
        /// Most values are above it.
        var lowerEnd: Double { mean - 1.5 * deviation }
    }

    /// Below this no sleep is worth its wake-up.
    private static let shortest: Double = 200_000
    private static let shortestSleep: Double = 30_000
    /// The part of a pause that may be spent with spinning.
    private static let largestPart = 0.35
    /// Added on both sides of the expected time.
    private static let margin: Double = 5_000

    /// So many times longer or shorter than the mean, a pause is not one of those between regular doorbells.
    private static let factor = 1.5
    /// So many of them in a row, and the doorbells have another interval.
    private static let mostOdd = 4

    /// Later than this, another thread had the processor. It must not end the forecasts: without them there is no sleep
    /// that shows that the processor is free again.
    private static let largestLateness: Double = 100_000

    private var pause = Estimate()
    private var oddCount = 0
    private var lateness = Estimate()

    /// A pause has ended with work.
    mutating func addPause(_ nanoseconds: UInt64) {
        let time = Double(nanoseconds)
        if pause.count > 0, time > pause.mean * Self.factor || time * Self.factor < pause.mean {
            oddCount += 1
            guard oddCount == Self.mostOdd else { return }
            pause = Estimate()
        }
        oddCount = 0
        pause.add(time)
    }

    /// A sleep without doorbell has taken so much longer than planned.
    mutating func addLateness(_ nanoseconds: UInt64) {
        lateness.add(min(Double(nanoseconds), Self.largestLateness))
    }

    /// `nil`: the next doorbell cannot be foretold.
    var plan: Plan? {
        guard pause.count > 0 else { return nil }
        let end = pause.upperEnd + Self.margin
        if end <= Self.shortest { return Plan(sleep: 0, end: UInt64(end)) }
        // Before the first sleep the lateness is a guess.
        let late = lateness.count > 0 ? lateness.upperEnd : 60_000
        let sleep = pause.lowerEnd - Self.margin - late
        guard sleep >= Self.shortestSleep, end - sleep <= Self.largestPart * pause.mean else { return nil }
        return Plan(sleep: UInt64(sleep), end: UInt64(end))
    }
}
