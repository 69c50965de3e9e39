import Foundation
import TelemetryWire
import TestSupport

/// A headless Chromium, by `scripts/browse`. It ends with the last reference.
final class Browser {
    private let program: RunningProgram

    init() throws {
        _ = try requiredTool("chromium", package: "chromium")
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        program = try RunningProgram(package.appendingPathComponent("scripts/browse").path)
    }

    deinit {
        program.closeInput()
        _ = try? program.wait()
    }

    /// Sends a line, and gives what the browser says to it.
    @discardableResult
    func ask(_ line: String) throws -> JSONTree {
        program.write(line.split(separator: "\n").joined(separator: " ") + "\n")
        let answer = try JSONValue(parsing: program.nextLine(timeout: .seconds(120))).tree
        guard let value = answer["ok"] else { throw TestSupportError("\(line): \(answer["error"]?.string ?? "?")") }
        return value
    }

    /// The text of the first element that a selector finds; empty when there is none.
    func text(_ selector: String) throws -> String {
        try ask("evaluate (document.querySelector('\(selector)')?.innerText ?? '').trim()").string ?? ""
    }

    /// Waits until an expression is true.
    func wait(_ expression: String) throws { try ask("wait \(expression)") }

    /// What the page did wrong, and whom it asked.
    func log() throws -> (messages: [String], errors: [String], requests: [String]) {
        let log = try ask("log")
        func texts(_ name: String) -> [String] { log[name]?.elements.compactMap(\.string) ?? [] }
        return (texts("messages"), texts("errors"), texts("requests"))
    }
}
