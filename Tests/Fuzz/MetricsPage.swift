import Glibc

/// Checks a text of metrics by the grammar of its lines. `Exposition` checks more for the tests, and takes far longer.
@MainActor
enum MetricsPage {
    private static let label = #"[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\[\\n"])*""#
    private static let value = "([+-]?[0-9][0-9.]*(e[+-]?[0-9]+)?|[+-]Inf|NaN)"
    private static let lines =
        "^([a-zA-Z_:][a-zA-Z0-9_:]*([{](\(label),)*\(label)[}])? \(value)"
        + "|# (TYPE|UNIT|HELP) [a-zA-Z_:][a-zA-Z0-9_:]* .*|# EOF)$"

    private static let expression: regex_t = {
        var compiled = regex_t()
        require(regcomp(&compiled, lines, REG_EXTENDED | REG_NOSUB) == 0, lines)
        return compiled
    }()

    static func check(_ text: String) {
        var text = text
        var series: Set<String> = []
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while let base = rest.baseAddress, !rest.isEmpty {
                guard let end = memchr(base, CInt(UInt8(ascii: "\n")), rest.count) else { fail("a line has no end") }
                let length = UnsafeRawPointer(end) - base
                let line = String(decoding: rest[..<length], as: UTF8.self)
                var expression = expression
                require(length == strlen(line) && regexec(&expression, line, 0, nil, 0) == 0, "no metric: \(line)")
                if let space = line.utf8.lastIndex(of: UInt8(ascii: " ")), !line.utf8.starts(with: "#".utf8) {
                    require(series.insert(String(line[..<space])).inserted, "there twice: \(line)")
                }
                rest = UnsafeRawBufferPointer(rebasing: rest[(length + 1)...])
            }
        }
    }
}
