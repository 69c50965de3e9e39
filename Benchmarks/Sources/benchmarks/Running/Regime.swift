import CPeers
import Foundation

/// How far apart the two processors are, from the transfer time of a cache line between them. On virtual machines it
/// changes during a run, and with it every number of a data path.
enum Regime: String, Encodable {
    case near, far
    /// Neither, or not constant.
    case mixed

    /// The result of a probe.
    struct Reading {
        let regime: Regime
        let nanosecondsPerLine: Double
    }

    /// Nanoseconds per line below which processors are near, and above which they are far.
    private static let nearest = 80.0
    private static let farthest = 140.0

    /// Passes a cache line back and forth between two threads. Three quarters of the slices must agree; the others may
    /// have been interrupted.
    static func probe(_ setting: Setting) throws(Failure) -> Reading {
        let slices = 12
        var times = [Double](repeating: 0, count: slices)
        try Failure.check(
            cpeers_ping_pong(setting.applicationCPU, setting.engineCPU, UInt32(slices), 300, &times), "the probe")
        let nears = times.count { $0 < nearest }
        let fars = times.count { $0 > farthest }
        let regime: Regime = nears * 4 >= slices * 3 ? .near : fars * 4 >= slices * 3 ? .far : .mixed
        return Reading(regime: regime, nanosecondsPerLine: Series.median(of: times))
    }
}

/// The regime of a scene: that of the rounds that are kept, which all began and ended in it.
struct SceneRegime: Encodable {
    let regime: Regime
    let keptRounds: Int
    let droppedRounds: Int
    /// The range of the probes before and after the kept rounds.
    let leastNanosecondsPerLine: Double
    let mostNanosecondsPerLine: Double

    var text: String {
        let range = String(format: "%.0f to %.0f ns per cache line", leastNanosecondsPerLine, mostNanosecondsPerLine)
        let dropped = droppedRounds == 0 ? "" : ", \(droppedRounds) in another regime dropped"
        return "\(regime.rawValue): \(range) before and after \(keptRounds) rounds\(dropped)"
    }
}

/// The rounds of a scene, by the regime that they were in from beginning to end.
struct RoundSorter {
    /// One round: the values by subject and name.
    typealias Round = [[Double]]

    private var rounds: [(regime: Regime, lines: [Double], values: Round)] = []
    private let wanted: Int

    init(wanted: Int) {
        self.wanted = wanted
    }

    mutating func add(_ values: Round, before: Regime.Reading, after: Regime.Reading) {
        rounds.append(
            (
                before.regime == after.regime ? before.regime : .mixed,
                [before.nanosecondsPerLine, after.nanosecondsPerLine], values
            ))
    }

    private func count(_ regime: Regime) -> Int { rounds.count { $0.regime == regime } }

    /// Runs more rounds if near ones are missing, because budgets are for near processors.
    var isDone: Bool {
        count(.near) >= wanted || (rounds.count >= 2 * wanted && count(.far) >= wanted) || rounds.count >= 3 * wanted
    }

    /// The rounds to use: near or far ones if there are enough, else all.
    var kept: (regime: SceneRegime, rounds: [Round]) {
        let steady = [Regime.near, .far].first { count($0) >= wanted } ?? [.near, .far].first { count($0) >= 3 }
        let kept = rounds.filter { steady == nil || $0.regime == steady }
        let lines = kept.flatMap(\.lines)
        let regime = SceneRegime(
            regime: steady ?? .mixed, keptRounds: kept.count, droppedRounds: rounds.count - kept.count,
            leastNanosecondsPerLine: lines.min() ?? 0, mostNanosecondsPerLine: lines.max() ?? 0)
        return (regime, kept.map(\.values))
    }
}
