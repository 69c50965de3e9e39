import CommandSupport

/// The rows of `top` as lines of text, with as many columns as fit.
struct TopTable {
    let header: String
    let lines: [(text: String, trouble: TopRow.Trouble?)]

    /// The least width of a column of names.
    private static let leastName = 8

    /// - Parameters:
    ///   - width: the width of the lines; `nil`: no limit.
    ///   - sort: the column that is shown whatever else is left out.
    init(_ rows: [TopRow], columns: [TopColumn], width: Int?, sort: TopColumn?) {
        var cells = rows.map { row in columns.map { StandardStreams.printable($0.text(row)) } }
        // On a screen columns keep the width that they usually need, so that they do not come and go.
        let usual = columns.map { width == nil ? 0 : $0.usualWidth }
        let widths = columns.indices.map { column in
            cells.reduce(max(columns[column].title.count, usual[column])) { max($0, $1[column].count) }
        }
        let shown: [Int]
        if let width {
            let (selected, names) = Self.fit(columns, widths, in: width, sort)
            shown = selected
            for (column, width) in names {
                for row in cells.indices where cells[row][column].count > width {
                    cells[row][column] = cells[row][column].prefix(width - 1) + "…"
                }
            }
        } else {
            shown = Array(columns.indices)
        }
        var table = TextTable(
            shown.map { (columns[$0].title, columns[$0].alignment) }, leastWidths: shown.map { usual[$0] })
        for row in cells { table.add(shown.map { row[$0] }) }
        header = table.header
        lines = zip(table.lines, rows).map { ($0, $1.trouble) }
    }

    /// The columns that fit, and the widths to which their names are cut.
    private static func fit(
        _ columns: [TopColumn], _ widths: [Int], in width: Int, _ sort: TopColumn?
    ) -> (shown: [Int], names: [Int: Int]) {
        func least(_ column: Int) -> Int {
            columns[column].isName ? min(widths[column], leastName) : widths[column]
        }
        let ranked = columns.indices.sorted { left, right in
            (columns[left] == sort ? -1 : columns[left].rank) < (columns[right] == sort ? -1 : columns[right].rank)
        }
        var shown: [Int] = []
        var room = width + 2
        for column in ranked {
            guard least(column) + 2 <= room || shown.isEmpty else { break }
            room -= least(column) + 2
            shown.append(column)
        }
        var names: [Int: Int] = [:]
        for column in shown.sorted() where columns[column].isName {
            let more = min(widths[column] - least(column), max(room, 0))
            room -= more
            names[column] = least(column) + more
        }
        return (shown.sorted(), names)
    }
}

extension TopRow.Trouble {
    /// The text in the colour of the trouble.
    func colored(_ text: String) -> String {
        switch self {
        case .halted, .stuck: TextTable.styled(text, 31)
        case .failing: TextTable.styled(text, 33)
        }
    }
}
