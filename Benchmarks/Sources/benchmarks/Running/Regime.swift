import CPeers
import Foundation

/// How far apart the two processors are, by the time that a cache line takes between them. It changes in mid-run on
/// virtual machines, and with it every number of a data path.
enum Regime: String, Encodable {
    case near, far, mixed

    /// What a probe found.
    struct Reading: Encodable {
        let regime: Regime
        let nanosecondsPerLine: Double
    }

    /// Before and after a measurement.
    struct Seen: Encodable {
        let before: Reading
        let after: Reading

        /// The one regime of the whole, or `nil` when it changed.
        var only: Regime? { before.regime == after.regime ? before.regime : nil }
        /// Near throughout, or far throughout.
        var isSteady: Bool { only != nil && only != .mixed }
        var text: String {
            let line = { (reading: Reading) in String(format: "%.0f", reading.nanosecondsPerLine) }
            return "\(only?.rawValue ?? "changed") (\(line(before)), \(line(after)) ns a cache line)"
        }
    }

    /// Nanoseconds below which processors are near, and above which they are far.
    private static let nearest = 80.0
    private static let farthest = 140.0

    /// Passes a line to and fro. Three slices of four must agree; the rest may have been interrupted.
    static func probe(_ setting: Setting) throws(Failure) -> Reading {
        let slices = 25
        var times = [Double](repeating: 0, count: slices)
        try Failure.check(
            cpeers_ping_pong(setting.applicationCPU, setting.engineCPU, UInt32(slices), 2000, &times), "the probe")
        let nears = times.count { $0 < nearest }
        let fars = times.count { $0 > farthest }
        let regime: Regime = nears * 4 >= slices * 3 ? .near : fars * 4 >= slices * 3 ? .far : .mixed
        return Reading(regime: regime, nanosecondsPerLine: Series.median(of: times))
    }
}
