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
        #expect(lines.contains("1 submitted, 1 completed, 0 failed"))
        #expect(lines.contains("operation 42: successful"))
        #expect(lines.contains("telemetry on \(directory.path)/dpdk/mine/dpdk_telemetry.v2"))
        #expect(lines.last == "tracing")
        #expect(try directory.contents.isEmpty)
    }

    /// The README's package and program are files, whole, as they are printed.
    @Test func theProgramOfTheReadmeIsCompiledAndRuns() throws {
        let blocks = try Page("README.md").blocks.filter { $0.language == "swift" }
        let files = ["Tests/Fixtures/ReadmePackage/Package.swift", "Tests/Fixtures/ReadmeExample/main.swift"]
        try #require(blocks.count == files.count)
        for (block, file) in zip(blocks, files) {
            #expect(block.lines.joined(separator: "\n") + "\n" == (try Page.text(of: file)), "\(file)")
        }
        let directory = try TemporaryDirectory()
        let result = try runProgram(builtProduct("readme-example"), environment: ["RUNTIME_DIRECTORY": directory.path])
        #expect(result.exit == .exited(0) && result.errors.isEmpty, "\(result)")
        #expect(try directory.contents.isEmpty)
    }

    /// SwiftPM takes the README's `Package.swift`, and this package has the products that it names, with the modules that
    /// the table and the program name.
    @Test func thePackageOfTheReadmeIsOne() throws {
        let directory = try TemporaryDirectory()
        let text = try Page.text(of: "Tests/Fixtures/ReadmePackage/Package.swift")
        try text.write(toFile: directory.file("Package.swift"), atomically: true, encoding: .utf8)
        let description = try outputOfProgram(
            requiredTool("swift", package: "swift"), ["package", "dump-package", "--package-path", directory.path],
            environment: ["TMPDIR": directory.path], timeout: .seconds(120))
        #expect(description.contains("\"name\" : \"mine\""), "\(description)")
        let manifest = try Page.text(of: "Package.swift")
        let products = text.matches(of: #/\.product\(name: "([^"]+)", package: "dmascope"\)/#).map { String($0.1) }
        let rows = try Page("README.md").table("product", "modules", "for")
        #expect(rows.map { $0[0] } == products.map { "`\($0)`" })
        for (product, row) in zip(products, rows) {
            let line = try #require(
                manifest.split(separator: "\n").first { $0.contains(".library(name: \"\(product)\"") })
            let modules = row[1].matches(of: #/`([A-Za-z]+)`/#).map { "\"\($0.1)\"" }.joined(separator: ", ")
            #expect(modules.isEmpty || line.contains("targets: [\(modules)]"), "\(product)")
        }
    }
}
