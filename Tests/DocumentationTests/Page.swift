import Foundation
import TestSupport
import Testing

/// A page of the documentation, taken apart.
struct Page: Sendable, CustomTestStringConvertible {
    /// The way from the package's folder.
    let name: String
    let lines: [Substring]
    /// Lines between fences, with the language of the fence; indented as the fence is.
    let blocks: [(language: String, lines: [String])]

    /// Text between fences is no prose.
    let prose: [Substring]

    static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The READMEs, and every page of every catalogue.
    static let all: [Page] = {
        let names = files(below: "Sources").filter { $0.contains(".docc/") && $0.hasSuffix(".md") }
        return (["README.md", "dashboards/README.md"] + names).map { (try? Page($0)) ?? Page(name: $0, text: "") }
    }()

    init(_ name: String) throws {
        self.init(name: name, text: try Page.text(of: name))
    }

    private init(name: String, text: String) {
        self.name = name
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var blocks: [(language: String, lines: [String])] = []
        var prose: [Substring] = []
        var fence: (indentation: Int, language: String, lines: [String])?
        for line in lines {
            let content = line.drop { $0 == " " }
            if var open = fence {
                if content == "```" {
                    blocks.append((open.language, open.lines))
                    fence = nil
                } else {
                    open.lines.append(String(line.dropFirst(min(open.indentation, line.count - content.count))))
                    fence = open
                }
            } else if content.hasPrefix("```") {
                fence = (line.count - content.count, String(content.dropFirst(3)), [])
            } else {
                prose.append(line)
            }
        }
        self.blocks = blocks
        self.prose = prose
    }

    /// The text of a file of the package.
    static func text(of name: String) throws -> String {
        try String(contentsOf: package.appendingPathComponent(name), encoding: .utf8)
    }

    /// The files below a folder of the package, with their way from the package's folder.
    static func files(below folder: String) -> [String] {
        let root = package.appendingPathComponent(folder).path
        return ((try? FileManager.default.subpathsOfDirectory(atPath: root)) ?? []).sorted().map { "\(folder)/\($0)" }
    }

    /// The rows of the table whose first title and others begin with these.
    func table(_ titles: String...) throws -> [[String]] {
        let rows = prose.map(Self.cells)
        guard let start = rows.firstIndex(where: { $0.starts(with: titles) }) else {
            throw TestSupportError("\(name) has no table \(titles)")
        }
        return Array(rows[(start + 2)...].prefix { !$0.isEmpty })
    }

    private static func cells(_ line: Substring) -> [String] {
        guard line.hasPrefix("|"), line.hasSuffix("|"), line.count > 1 else { return [] }
        return line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false)
            .map { $0.trimmingCharacters(in: .whitespaces) }
    }

    /// The targets of the links in the text.
    var links: [String] {
        prose.flatMap { line in line.matches(of: #/\]\(([^)]+)\)/#).map { String($0.1) } }
    }

    /// What stands between single backquotes in the text.
    var codeWords: [String] {
        prose.flatMap { line in line.replacing(#/``[^`]+``/#, with: "").matches(of: #/`([^`]+)`/#).map { String($0.1) }
        }
    }

    var testDescription: String { name }
}

/// Without the backquotes around it.
func unquoted(_ cell: String) -> String {
    cell.trimmingCharacters(in: CharacterSet(charactersIn: "`"))
}
