/// A limit for a value that is computed from the results of one run.
struct Budget: Sendable {
    /// What is limited.
    let name: String
    /// What the value is compared with.
    let peer: String
    let limit: Limit
    let computation: Computation
    /// The only regime in which the budget applies; `nil`: in all.
    var regime: Regime?

    enum Limit: Sendable {
        case atMost(Double, String)
        case atLeast(Double, String)

        func allows(_ value: Double) -> Bool {
            switch self {
            case .atMost(let limit, _): value <= limit
            case .atLeast(let limit, _): value >= limit
            }
        }

        var unit: String {
            switch self {
            case .atMost(_, let unit), .atLeast(_, let unit): unit
            }
        }

        var text: String {
            switch self {
            case .atMost(let limit, let unit): "≤ \(Report.number(limit)) \(unit)"
            case .atLeast(let limit, let unit): "≥ \(Report.number(limit)) \(unit)"
            }
        }
    }

    enum Verdict: String, Encodable {
        case met, missed
        /// The processors did not stay in one regime, or not in the required one.
        case unclear
        /// A result that it needs was not measured.
        case skipped
    }

    struct Outcome {
        let budget: Budget
        let value: Double?
        let verdict: Verdict
        let remark: String
    }

    func check(_ results: Results) -> Outcome {
        guard let value = computation.value(in: results) else {
            let missing = computation.keys.filter { results.median($0) == nil }
            return Outcome(
                budget: self, value: nil, verdict: .skipped, remark: "not measured: \(missing.joined(separator: ", "))")
        }
        for seen in computation.keys.compactMap(results.regime(of:)) {
            func unclear(_ remark: String) -> Outcome {
                Outcome(budget: self, value: value, verdict: .unclear, remark: remark)
            }
            guard seen.regime != .mixed else { return unclear("the probe measured " + seen.text) }
            if let regime, seen.regime != regime {
                return unclear("\(seen.regime.rawValue); the budget applies to \(regime.rawValue) processors")
            }
        }
        return Outcome(budget: self, value: value, verdict: limit.allows(value) ? .met : .missed, remark: "")
    }
}

extension Budget {
    /// Results that budgets name but that do not exist, although their measurements ran completely: such a budget would
    /// never be checked.
    static func unknownNames(_ measured: [Measurement], _ results: Results) -> [String] {
        let whole = measured.filter { measurement in
            !(results.skips + results.failures).contains { $0.part.hasPrefix(measurement.name) }
        }
        return all.flatMap(\.computation.keys).filter { key in
            whole.contains { key.hasPrefix($0.name + "/") } && results.median(key) == nil
        }
    }
}

/// How a value is computed from medians of results. A text is the name of a result.
indirect enum Computation: Sendable, ExpressibleByStringInterpolation {
    case median(String)
    case ratio(Computation, Computation)
    case difference(Computation, Computation)
    case largest([Computation])
    case smallest([Computation])

    init(stringLiteral name: String) { self = .median(name) }

    func value(in results: Results) -> Double? {
        switch self {
        case .median(let name): return results.median(name)
        case .ratio(let over, let under):
            guard let over = over.value(in: results), let under = under.value(in: results), under != 0 else {
                return nil
            }
            return over / under
        case .difference(let from, let what):
            guard let from = from.value(in: results), let what = what.value(in: results) else { return nil }
            return from - what
        case .largest(let parts): return Self.all(parts, results)?.max()
        case .smallest(let parts): return Self.all(parts, results)?.min()
        }
    }

    private static func all(_ parts: [Computation], _ results: Results) -> [Double]? {
        let values = parts.compactMap { $0.value(in: results) }
        return values.count == parts.count ? values : nil
    }

    /// The names of the results that it needs.
    var keys: [String] {
        switch self {
        case .median(let name): [name]
        case .ratio(let first, let second), .difference(let first, let second): first.keys + second.keys
        case .largest(let parts), .smallest(let parts): parts.flatMap(\.keys)
        }
    }

    var text: String {
        switch self {
        case .median(let name): name
        case .ratio(let over, let under): "\(over.text) : \(under.text)"
        case .difference(let from, let what): "(\(from.text) − \(what.text))"
        case .largest(let parts): "the largest of " + parts.map(\.text).joined(separator: ", ")
        case .smallest(let parts): "the smallest of " + parts.map(\.text).joined(separator: ", ")
        }
    }
}
