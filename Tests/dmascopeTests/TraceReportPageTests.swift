import Foundation
import TelemetryWire
import TestSupport
import Testing

/// `dmascope trace report --html`, in a real browser.
@Suite struct TraceReportPageTests {
    @Test("The page shows every channel with pictures, asks nobody, and fits a phone and paper")
    func page() throws {
        let scope = try Scope()
        let browser = try Browser()
        let path = scope.directory.file("report.html")
        try LTTngSession.analyze(["dmadev*"], channel: .init(subBufferSize: "4M", subBufferCount: 4)) {
            try $0.run(builtProduct("trace-bursts"), ["copies", "3200"])
        } read: { directories in
            let result = try scope.run(["trace", "report", "--html"] + directories)
            #expect(result.exit == .exited(0) && result.errors.isEmpty, "\(result.errors)")
            try result.output.write(toFile: path, atomically: true, encoding: .utf8)
        }
        try browser.ask("media light")
        try browser.ask("size 1280 900")
        try browser.ask("open file://\(path)")
        #expect(try browser.text("h1") == "Report of a trace")
        #expect(try browser.text(".channel h2").hasPrefix("Device dma0 (0), vchan 0, of trace-bursts ("))
        #expect(try browser.text("dl dd") == "3200")
        func count(_ selector: String) throws -> Int64? {
            try browser.ask("evaluate document.querySelectorAll('\(selector)').length").integer
        }
        for picture in ["histogram", "heat", "ring", "gantt"] {
            #expect(try count(".\(picture) svg") == 1 && count(".\(picture) rect").map { $0 > 0 } == true, "\(picture)")
        }
        #expect(try count(".times tbody tr") == 4 && count(".slowest tbody tr") == 10)
        #expect(try count("script") == 0)
        // The heights of the histogram's bars follow the counts, whose sum is that of the operations.
        let sum = try browser.ask(
            """
            evaluate [...document.querySelectorAll('.histogram rect title')]
            .reduce((sum, title) => sum + Number(title.textContent.split(': ').pop()), 0)
            """)
        #expect(sum.integer == 3200)
        let outside = """
            evaluate [...document.querySelectorAll('rect')].filter((rect) => { const box = rect.getBBox(),
            view = rect.ownerSVGElement.viewBox.baseVal; return box.x < 0 || box.y < 0 ||
            box.x + box.width > view.width + 0.5 || box.y + box.height > view.height + 0.5; }).length
            """
        #expect(try browser.ask(outside).integer == 0)
        for (width, height) in [(1280, 900), (390, 844)] {
            try browser.ask("size \(width) \(height)")
            let isWide = "evaluate document.documentElement.scrollWidth > document.documentElement.clientWidth"
            #expect(try browser.ask(isWide) == .bool(false), "\(width)")
        }
        let log = try browser.log()
        #expect(log.errors.isEmpty && log.messages.isEmpty)
        #expect(log.requests.allSatisfy { $0.hasPrefix("file://") || $0.hasPrefix("data:") }, "\(log.requests)")
    }

    @Test("What was lost is the first thing on the page, and names of programs are text")
    func losses() throws {
        let scope = try Scope()
        try LTTngSession.analyze(["dmadev*"], channel: .init(subBufferSize: "4k", subBufferCount: 2)) {
            try $0.run(builtProduct("trace-bursts"), ["copies", "32000"])
        } read: { directories in
            let result = try scope.run(["trace", "report", "--html"] + directories)
            #expect(result.exit == .exited(0) && result.errors.hasPrefix("dmascope: warning: incomplete: "))
            let loss = try #require(result.output.range(of: "<p class=\"loss\" role=\"alert\">Incomplete: "))
            #expect(loss.lowerBound < result.output.range(of: "<section")!.lowerBound)
        }
    }
}
