import LivePage
import Testing

/// The files of the page, as the program holds them.
@Suite struct PageFileTests {
    private static func text(_ path: String) throws -> String {
        String(decoding: try #require(PageFile.all.first { $0.path == path }, "\(path)").bytes, as: UTF8.self)
    }

    @Test(arguments: PageFile.all.map(\.path)) func nothingIsLoadedFromElsewhere(path: String) throws {
        let text = try Self.text(path)
        #expect(!text.isEmpty)
        // The name of a format is no address.
        for address in text.matches(of: #/(https?:)?\/\/[a-zA-Z0-9.-]+\.[a-z]{2,}[^"' ]*/#).map(\.output.0) {
            #expect(address == "http://www.w3.org/2000/svg", "\(path) names \(address)")
        }
        for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "DOMParser"] {
            #expect(!text.contains(word), "\(path) has \(word): text of peers must stay text")
        }
    }

    @Test func everyFileThatIsNamedIsThere() throws {
        let paths = Set(PageFile.all.map(\.path))
        #expect(paths.count == PageFile.all.count)
        var named: Set<String> = ["/"]
        for match in try Self.text("/").matches(of: #/(?:href|src)="([^"]*\.(?:css|js|svg))"/#) {
            named.insert("/" + match.1)
        }
        for path in paths where path.hasSuffix(".js") {
            for match in try Self.text(path).matches(of: #/from "\.(\/[^"]+)"/#) { named.insert(String(match.1)) }
        }
        #expect(named == paths)
    }

    /// A proxy may have the page at another path than `/`.
    @Test(arguments: PageFile.all.map(\.path)) func addressesAreRelative(path: String) throws {
        let absolute = try Self.text(path).matches(
            of: #/(?:href|src|url|fetch|EventSource|import|from)[^"'\n]{0,3}["']\/[^"']*/#)
        #expect(absolute.isEmpty, "\(path): \(absolute.map(\.output))")
    }

    /// The policy that the page is served with forbids both.
    @Test func noScriptOrStyleStandsInThePage() throws {
        let page = try Self.text("/")
        #expect(page.hasPrefix("<!doctype html>"))
        #expect(!page.contains("<style") && !page.contains(" style=") && !page.contains("<script>"))
        #expect(page.firstMatch(of: #/\son[a-z]+="/#) == nil)
    }
}
