import Foundation

/// The lines of ``ScaleLine`` as SVG, with logarithmic axes. Its colours suit light and dark pages.
struct ScalePicture {
    private static let colors = ["#0a84ff", "#d9662b", "#2e9e5b", "#a855c7", "#c23a5e", "#8a7a1f"]
    private static let (left, top, width, height) = (70.0, 20.0, 480.0, 360.0)

    private let lines: [(line: ScaleLine, points: [(count: Double, cost: Double)], slope: Double)]
    private let unit: String
    /// Exponents of ten.
    private let (xEnd, yBegin, yEnd): (Int, Int, Int)

    /// - Returns: `nil` if no line was measured.
    init?(_ results: Results) {
        lines = ScaleLine.all.compactMap { line in
            line.slope(in: results).map { (line, line.points(in: results), $0) }
        }
        let costs = lines.flatMap(\.points).map(\.cost)
        guard let least = costs.min(), let most = costs.max(), least > 0,
            let greatest = lines.flatMap(\.points).map(\.count).max()
        else { return nil }
        unit = results.series.first { $0.name.hasPrefix("scale/") }?.unit ?? ""
        xEnd = max(Int(log10(greatest).rounded(.up)), 1)
        yBegin = Int(log10(least).rounded(.down))
        yEnd = Int(log10(most).rounded(.up))
    }

    func write(to path: String) throws(Failure) {
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        } catch {
            throw Failure("\(path): \(error.localizedDescription)")
        }
    }

    private func x(_ count: Double) -> Double { Self.left + log10(count) / Double(xEnd) * Self.width }

    private func y(_ cost: Double) -> Double {
        Self.top + Self.height - (log10(cost) - Double(yBegin)) / Double(yEnd - yBegin) * Self.height
    }

    private var text: String {
        let (right, bottom) = (Self.left + Self.width, Self.top + Self.height)
        var parts = [
            """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 840 440" font-family="sans-serif" font-size="13">
            <style>
            text { fill: #333 } .grid { stroke: #8884; fill: none } .guide { stroke: #888; stroke-dasharray: 5 4; fill: none }
            @media (prefers-color-scheme: dark) { text { fill: #ddd } }
            </style>
            <rect class="grid" x="\(Self.left)" y="\(Self.top)" width="\(Self.width)" height="\(Self.height)"/>
            """
        ]
        for exponent in 0...xEnd {
            let place = x(pow(10, Double(exponent)))
            parts.append(path("grid", [(place, Self.top), (place, bottom)]))
            parts.append(label(place, bottom + 18, "middle", Self.power(exponent)))
        }
        for exponent in yBegin...yEnd {
            let place = y(pow(10, Double(exponent)))
            parts.append(path("grid", [(Self.left, place), (right, place)]))
            parts.append(label(Self.left - 8, place + 4, "end", Self.power(exponent)))
        }
        parts.append(label(Self.left + Self.width / 2, bottom + 38, "middle", "how many there are"))
        parts.append(
            "<text transform=\"translate(18 \(Self.top + Self.height / 2)) rotate(-90)\" text-anchor=\"middle\">"
                + "cost of one event, \(unitText)</text>")
        // From the lower left corner to the right or upper edge.
        let decades = Double(min(xEnd, yEnd - yBegin))
        let corner = pow(10, Double(yBegin))
        parts.append(path("guide", [(x(1), y(corner)), (x(pow(10, decades)), y(corner * pow(10, decades)))]))
        for (number, line) in lines.enumerated() { parts.append(drawing(line, number)) }
        let last = Self.top + 14 + Double(lines.count) * 40
        parts.append(path("guide", [(right + 20, last), (right + 48, last)]))
        parts.append(label(right + 56, last + 4, "start", "proportional: slope 1"))
        return parts.joined(separator: "\n") + "\n</svg>\n"
    }

    private func drawing(
        _ line: (line: ScaleLine, points: [(count: Double, cost: Double)], slope: Double), _ number: Int
    ) -> String {
        let color = Self.colors[number % Self.colors.count]
        let places = line.points.map { (x($0.count), y($0.cost)) }
        let (start, row) = (Self.left + Self.width + 20, Self.top + 14 + Double(number) * 40)
        let marks = places.map {
            "<circle cx=\"\(Self.number($0.0))\" cy=\"\(Self.number($0.1))\" r=\"3\" fill=\"\(color)\"/>"
        }
        return
            ([path("", places, color), path("", [(start, row), (start + 28, row)], color)] + marks + [
                label(start + 36, row + 4, "start", "\(line.line.title): \(line.line.against)"),
                label(start + 36, row + 20, "start", "slope \(String(format: "%.2f", line.slope))"),
            ]).joined(separator: "\n")
    }

    private var unitText: String { unit == "ns" ? "ns of processor time" : unit }

    private func path(_ style: String, _ places: [(Double, Double)], _ color: String? = nil) -> String {
        let points = places.map { "\(Self.number($0.0)),\(Self.number($0.1))" }.joined(separator: " ")
        let look = color.map { "fill=\"none\" stroke=\"\($0)\" stroke-width=\"2\"" } ?? "class=\"\(style)\""
        return "<polyline \(look) points=\"\(points)\"/>"
    }

    private func label(_ x: Double, _ y: Double, _ anchor: String, _ text: String) -> String {
        "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" text-anchor=\"\(anchor)\">\(text)</text>"
    }

    private static func number(_ value: Double) -> String { String(format: "%.1f", value) }

    private static func power(_ exponent: Int) -> String {
        switch exponent {
        case 0: "1"
        case 1...4: "1\(String(repeating: "0", count: exponent))"
        default: "10<tspan dy=\"-5\" font-size=\"10\">\(exponent)</tspan>"
        }
    }
}
