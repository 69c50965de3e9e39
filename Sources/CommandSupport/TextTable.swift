/// Rows of text in aligned columns.
package struct TextTable {
    package enum Alignment {
        case left, right
    }

    private let columns: [(title: String, alignment: Alignment)]
    private var rows: [[String]] = []
    private var widths: [Int]

    package init(_ columns: (String, Alignment)...) {
        self.init(columns)
    }

    /// - Parameter leastWidths: minimum widths of the columns, to align rows that are printed one by one.
    package init(_ columns: [(String, Alignment)], leastWidths: [Int] = []) {
        self.columns = columns.map { (title: $0.0, alignment: $0.1) }
        widths = columns.map(\.0.count)
        for (column, width) in zip(widths.indices, leastWidths) { widths[column] = max(widths[column], width) }
    }

    /// Adds a row with one cell per column.
    package mutating func add(_ cells: [String]) {
        let cells = cells.map(StandardStreams.printable)
        for column in columns.indices { widths[column] = max(widths[column], cells[column].count) }
        rows.append(cells)
    }

    /// The table, with bold titles if `bold` is set. No line has trailing spaces; the last line has no line break.
    package func text(bold: Bool) -> String {
        let header = self.header
        return ([bold ? Self.bold(header) : header] + lines).joined(separator: "\n")
    }

    /// Whether it has no rows.
    package var isEmpty: Bool { rows.isEmpty }

    /// The titles.
    package var header: String { line(columns.map(\.title)) }

    /// The rows.
    package var lines: [String] { rows.map(line) }

    /// One row as text, for tables that are printed row by row.
    package func line(_ cells: [String]) -> String {
        let padded = cells.indices.map { column in
            let padding = String(repeating: " ", count: max(0, widths[column] - cells[column].count))
            return columns[column].alignment == .left ? cells[column] + padding : padding + cells[column]
        }
        let line = padded.joined(separator: "  ")
        return String(line.prefix(line.count - line.reversed().prefix { $0 == " " }.count))
    }

    /// The text between the escape sequences for bold.
    package static func bold(_ text: String) -> String { styled(text, 1) }

    /// The text between escape sequences for a style, by its number in ECMA-48 (SGR).
    package static func styled(_ text: String, _ style: Int) -> String { "\u{1B}[\(style)m\(text)\u{1B}[0m" }
}
