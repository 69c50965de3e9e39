/// The name that a user may have meant.
package enum Suggestion {
    /// ` (did you mean X?)` with the nearest name; empty if none is near.
    package static func text(for word: String, among names: some Sequence<String>) -> String {
        nearest(to: word, among: names).map { " (did you mean \($0)?)" } ?? ""
    }

    /// The name with the fewest typing errors, if they are at most one of three characters; else one that begins with the
    /// word.
    static func nearest(to word: String, among names: some Sequence<String>) -> String? {
        let names = Array(names)
        let wanted = Array(word.lowercased())
        // Untrusted peers report names: long ones are not compared.
        let near = names.filter { $0.count <= 64 && word.count <= 64 }
            .map { (name: $0, count: errorCount(wanted, Array($0.lowercased()))) }
            .filter { $0.count <= max(1, wanted.count / 3) }
        return near.min { $0.count < $1.count }?.name
            ?? (wanted.count >= 2 ? names.first { $0.lowercased().hasPrefix(word.lowercased()) } : nil)
    }

    /// Characters that were left out, added, replaced, or exchanged with their neighbour (the optimal string alignment
    /// distance).
    private static func errorCount(_ left: [Character], _ right: [Character]) -> Int {
        var rows = [Array(0...right.count)]
        for (i, a) in left.enumerated() {
            var row = [i + 1]
            for (j, b) in right.enumerated() {
                var count = min(rows[i][j] + (a == b ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a == right[j - 1], left[i - 1] == b { count = min(count, rows[i - 1][j - 1] + 1) }
                row.append(count)
            }
            rows.append(row)
        }
        return rows[left.count][right.count]
    }
}
