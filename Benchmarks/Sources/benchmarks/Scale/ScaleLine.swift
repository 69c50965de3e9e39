import Glibc

/// A line of the picture: the cost of one event against how much there is.
struct ScaleLine: Sendable {
    /// The scene of its results, `scale/NAME/COUNT`.
    let name: String
    /// What is counted, and what it grows with.
    let title: String, against: String
    /// The last point.
    let greatest: Int

    /// The points of a complete line.
    static let counts = [1, 3, 10, 30, 100, 300, 1000, 3000, 10000]

    /// The measured points.
    func points(in results: Results) -> [(count: Double, cost: Double)] {
        Self.counts.compactMap { count in
            results.median("scale/\(name)/\(count)").map { (Double(count), $0) }
        }
    }

    /// The slope of a line through the upper half of the points with logarithmic axes: 1 is a cost that is proportional to
    /// the count. `nil` with fewer than two of them.
    func slope(in results: Results) -> Double? {
        let all = points(in: results)
        let upper = all.suffix((all.count + 1) / 2).map { (x: log($0.count), y: log($0.cost)) }
        guard upper.count > 1 else { return nil }
        let count = Double(upper.count)
        let (x, y) = (upper.reduce(0) { $0 + $1.x } / count, upper.reduce(0) { $0 + $1.y } / count)
        return upper.reduce(0) { $0 + ($1.x - x) * ($1.y - y) } / upper.reduce(0) { $0 + ($1.x - x) * ($1.x - x) }
    }
}

extension Budget {
    /// No line is steeper than linear.
    static let scale = ScaleLine.all.map { line in
        Budget(
            name: "scale: \(line.title) against \(line.against)", peer: "linear", limit: .atMost(1.1, "slope"),
            computation: .median("scale/\(line.name)/slope"))
    }
}
