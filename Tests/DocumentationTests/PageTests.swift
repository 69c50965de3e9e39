import Foundation
import TestSupport
import Testing

/// What holds for every page.
@Suite struct PageTests {
    @Test(arguments: Page.all) func linksLeadToFiles(page: Page) throws {
        let folder = Page.package.appendingPathComponent(page.name).deletingLastPathComponent()
        for link in page.links where !link.contains("://") {
            // DocC finds pictures by their names.
            let paths = [link, "Resources/" + link].map { folder.appendingPathComponent($0).path }
            #expect(paths.contains(where: FileManager.default.fileExists), "\(page.name) links to \(link)")
        }
        for line in page.prose {
            for match in line.matches(of: #/<doc:([A-Za-z]+)>/#) {
                let path = folder.appendingPathComponent("\(match.1).md").path
                #expect(FileManager.default.fileExists(atPath: path), "\(page.name) links to \(match.1)")
            }
        }
    }

    /// A Swift module is a folder with Swift sources; the program has its help.
    static let modules = Set(
        Page.files(below: "Sources").filter { $0.hasSuffix(".swift") }.map { $0.split(separator: "/")[1] }
    )
    .subtracting(["dmascope"]).map(String.init).sorted()

    @Test(arguments: modules) func everyModuleHasAPageOfOneScreen(module: String) throws {
        let page = try Page("Sources/\(module)/\(module).docc/\(module).md")
        #expect(page.lines.first == "# ``\(module)``")
        #expect(
            page.prose.contains {
                $0.hasPrefix("### Add a ") || $0.hasPrefix("### Add an ") || $0 == "### Write a command"
            })
        #expect(page.lines.count <= 70)
    }
}

/// The Swift code of the pages.
@Suite struct ExampleTests {
    /// Every Swift file that the package compiles, without indentation.
    private static let sources: [(name: String, lines: [Substring])] = {
        let names = (Page.files(below: "Sources") + Page.files(below: "Tests")).filter { $0.hasSuffix(".swift") }
        return names.map { name in
            let text = (try? Page.text(of: name)) ?? ""
            return (name, text.split(separator: "\n", omittingEmptySubsequences: false))
        }
    }()

    /// So that no page goes on showing what no longer compiles. Paragraphs of an example may stand apart in the file, and
    /// farther to the right, but in their order.
    @Test(arguments: Page.all) func everyExampleStandsInASourceFile(page: Page) {
        for block in page.blocks where block.language == "swift" {
            let paragraphs = block.lines.split(separator: "").map(Array.init)
            let home = Self.sources.first { source in
                var start = 0
                return paragraphs.allSatisfy { paragraph in
                    guard let place = Self.place(of: paragraph, in: source.lines, from: start) else { return false }
                    start = place + paragraph.count
                    return true
                }
            }
            #expect(home != nil, "\(page.name): no source file has\n\(block.lines.joined(separator: "\n"))")
        }
    }

    private static func place(of paragraph: [String], in lines: [Substring], from start: Int) -> Int? {
        guard lines.count >= start + paragraph.count else { return nil }
        return (start...lines.count - paragraph.count).first { place in
            let indentation = lines[place].prefix { $0 == " " }.dropFirst(paragraph[0].prefix { $0 == " " }.count)
            return zip(paragraph, lines[place...]).allSatisfy { indentation + $0 == $1 }
        }
    }

    @Test func theExamplesRun() throws {
        let directory = try TemporaryDirectory()
        let program = try builtProduct("documented-examples")
        let result = try runProgram(program, environment: ["RUNTIME_DIRECTORY": directory.path])
        #expect(result.exit == .exited(0), "\(result)")
        let lines = result.output.split(separator: "\n")
        #expect(lines.contains("readme"))
        #expect(lines.contains("1 submitted, 1 completed, 0 failed"))
        #expect(lines.contains("operation 42: successful"))
        #expect(lines.contains("telemetry on \(directory.path)/dpdk/mine/dpdk_telemetry.v2"))
        #expect(lines.last == "tracing")
        #expect(try directory.contents.isEmpty)
    }
}
