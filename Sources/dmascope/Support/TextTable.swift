/// Rows of text in aligned columns.
struct TextTable {
    /// Where a column's text stands.
    enum Alignment {
        case left, right
    }

    private let columns: [(title: String, alignment: Alignment)]
    private var rows: [[String]] = []

    init(_ columns: (String, Alignment)...) {
        self.columns = columns.map { (title: $0.0, alignment: $0.1) }
    }

    /// Adds a row, as many cells as there are columns.
    mutating func add(_ cells: [String]) {
        rows.append(cells.map(StandardStreams.printable))
    }

    /// The table, its titles bold where `bold` is set. No line ends with a blank or a line break.
    func text(bold: Bool) -> String {
        let titles = columns.map(\.title)
        let widths = columns.indices.map { column in
            ([titles] + rows).map { $0[column].count }.max() ?? 0
        }
        let header = line(titles, widths)
        return ([bold ? "\u{1B}[1m\(header)\u{1B}[0m" : header] + rows.map { line($0, widths) })
            .joined(separator: "\n")
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        let padded = cells.indices.map { column in
            let padding = String(repeating: " ", count: widths[column] - cells[column].count)
            return columns[column].alignment == .left ? cells[column] + padding : padding + cells[column]
        }
        let line = padded.joined(separator: "  ")
        return String(line.prefix(line.count - line.reversed().prefix { $0 == " " }.count))
    }
}
