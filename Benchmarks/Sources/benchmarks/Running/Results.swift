/// The values of one result in all rounds.
struct Series: Encodable {
    /// `measurement/scene/subject`.
    let name: String
    let unit: String
    let values: [Double]
    let median: Double
    let least: Double
    let most: Double

    init(_ name: String, _ unit: String, _ values: [Double]) {
        self.name = name
        self.unit = unit
        self.values = values
        median = Self.median(of: values)
        least = values.min() ?? .nan
        most = values.max() ?? .nan
    }

    static func median(of values: [Double]) -> Double {
        let sorted = values.sorted()
        guard let middle = sorted.indices.dropFirst(sorted.count / 2).first else { return .nan }
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}

/// The results of a run. Each is shown when it is added.
final class Results {
    private(set) var series: [Series] = []
    private(set) var regimes: [String: SceneRegime] = [:]
    private(set) var skips: [Remark] = []
    private(set) var failures: [Remark] = []

    /// A part of a measurement, and why it has no result.
    struct Remark: Encodable {
        let part: String
        let reason: String
    }

    func add(_ series: Series) {
        self.series.append(series)
        Report.show(series)
    }

    func add(_ regime: SceneRegime, at scene: String) {
        regimes[scene] = regime
        Report.show(regime, scene)
    }

    func skip(_ part: String, _ reason: String) {
        skips.append(Remark(part: part, reason: reason))
        Report.remark("skipped", part, reason)
    }

    func fail(_ part: String, _ reason: String) {
        failures.append(Remark(part: part, reason: reason))
        Report.remark("FAILED", part, reason)
    }

    func median(_ name: String) -> Double? {
        series.first { $0.name == name }?.median
    }

    /// The regime of the scene that a result belongs to.
    func regime(of name: String) -> SceneRegime? {
        name.lastIndex(of: "/").flatMap { regimes[String(name[..<$0])] }
    }
}
