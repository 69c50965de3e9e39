import CommandSupport
import Foundation
import TelemetryWire
import TestSupport
import Testing

/// The live page with many processes, channels and tabs, and at another path.
extension BrowserTests {
    private func number(_ expression: String) throws -> Int64 {
        try #require(browser.ask("evaluate Math.round(\(expression))").integer, "\(expression)")
    }

    private func expectNoErrors() throws {
        let log = try browser.log()
        #expect(log.errors == [] && log.messages == [])
    }

    /// Many servers in one process.
    private func crowd(_ count: Int, channels: Int) throws -> RunningProgram {
        let crowd = try RunningProgram(
            builtProduct("telemetry-crowd"), [scope.runDirectory, "\(count)", "\(channels)"])
        try crowd.waitForOutput(containing: "ready")
        return crowd
    }

    @Test func threeHundredProcessesAreATableThatIsFilteredSortedAndOpened() throws {
        let crowd = try crowd(300, channels: 2)
        defer { crowd.closeInput() }
        let server = try scope.serve(
            "--device", "fault,name=frozen,freeze=5", "--workload", "copy", "--stuck-after", "0.05", "--listen",
            "127.0.0.1:0", "--scrape-timeout", "20")
        defer { server.kill(SIGTERM) }
        try browser.ask("size 1280 900")
        try browser.ask("open \(try page(of: server))")
        let rows = "[...document.querySelectorAll('.dense > tbody > tr')]"
        try browser.wait("\(rows).length == 50")
        #expect(try browser.text("#summary").contains("301"))
        #expect(try number("document.querySelectorAll('*').length") < 3000)
        #expect(try number("document.documentElement.scrollHeight") < 6000)

        // What is stuck is first, in the strip and in the table; then names in the order of their numbers.
        try browser.wait("document.querySelector('#trouble-list').textContent.includes('frozen')")
        let names = "\(rows).slice(0, 13).map((row) => row.cells[1].textContent).join()"
        try browser.wait("\(rows)[0].textContent.includes('stuck')")
        #expect(
            try browser.ask("evaluate \(names)").string
                == "dmascope,app0,app1,app2,app3,app4,app5,app6,app7,app8,app9,app10,app11")
        #expect(
            try number(
                "document.querySelector('#trouble').getBoundingClientRect().top - document.querySelector('#summary')"
                    + ".getBoundingClientRect().top") < 0)

        // By the keyboard: the filter, a column's order, a row that opens to its card.
        try browser.ask("key /")
        #expect(try browser.ask("evaluate document.activeElement.id").string == "filter")
        try browser.ask("type app29")
        try browser.wait("\(rows).length == 11")
        #expect(try number("document.querySelectorAll('.processes tbody tr').length") == 11)
        try browser.ask("evaluate document.querySelectorAll('.sort')[1].focus()")
        for order in ["ascending", "descending"] {
            try browser.ask("key Enter")
            try browser.wait("document.querySelectorAll('.dense thead th')[1].getAttribute('aria-sort') == '\(order)'")
        }
        #expect(try browser.ask("evaluate \(rows)[0].cells[1].textContent").string == "app299")
        try browser.ask("evaluate \(rows)[1].querySelector('.toggle').focus()")
        try browser.ask("key Enter")
        try browser.wait("document.querySelectorAll('.dense .device .channels tbody tr').length == 2")
        // The focus stays where it is when new figures come.
        let shown = try browser.text("#about")
        try browser.wait("document.querySelector('#about').textContent != '\(shown)'")
        #expect(try browser.ask("evaluate document.activeElement.getAttribute('aria-expanded')").string == "true")
        try browser.ask("key Enter")
        try browser.wait("document.querySelector('.dense .device') === null")

        // A link of the strip leads to a row that the filter leaves out.
        try browser.ask("evaluate document.querySelector('#trouble-list a').click()")
        try browser.wait("document.querySelector('.dense > tbody > tr:target')?.textContent.includes('frozen')")
        #expect(try browser.text(".dense .opened h3") == "frozen")
        #expect(try browser.ask("evaluate document.querySelector('#filter').value").string == "")

        // The others are a button away.
        let more = "document.querySelector('#devices-list > .card > .more')"
        for count in [100, 150, 200, 250, 300] {
            try browser.ask("evaluate \(more).click()")
            try browser.wait("\(rows).filter((row) => !row.matches('.opened')).length == \(count)")
        }
        try browser.ask("evaluate \(more).click()")
        try browser.wait("\(more).hidden")

        for width in [320, 390, 800, 1280] {
            try browser.ask("size \(width) 844")
            #expect(try browser.ask("evaluate \(Self.overflow)").string == "", "\(width)")
        }
        try expectNoErrors()
    }

    @Test func allChannelsOfAWideDeviceAreShownByAButton() throws {
        let crowd = try crowd(1, channels: 1024)
        defer { crowd.closeInput() }
        let server = try scope.serve("--listen", "127.0.0.1:0", "--scrape-timeout", "20")
        defer { server.kill(SIGTERM) }
        try browser.ask("size 1280 900")
        try browser.ask("open \(try page(of: server))")
        let card =
            "[...document.querySelectorAll('.device')].find((card) => card.querySelectorAll('.channels tbody tr').length > 2)"
        try browser.wait("\(card) !== undefined")
        let rows = "\(card).querySelectorAll('.channels tbody tr')"
        let button = "\(card).querySelector('.more')"
        #expect(try number("\(rows).length") == 32)
        #expect(
            try browser.ask("evaluate \(button).textContent").string == "Show all 1024 channels (32 are shown)")
        try browser.ask("evaluate \(button).focus()")
        try browser.ask("key Enter")
        try browser.wait("\(rows).length == 1024")
        #expect(try browser.ask("evaluate \(rows)[1023].cells[0].textContent.startsWith('1023 ')").bool == true)
        #expect(try browser.ask("evaluate \(rows)[1023].cells[5].textContent").string == "0")
        #expect(try number("document.querySelectorAll('*').length") < 12_000)
        #expect(try number("document.documentElement.scrollHeight") < 5000)
        try browser.ask("size 320 844")
        #expect(try browser.ask("evaluate \(Self.overflow)").string == "")
        try browser.ask("evaluate \(button).click()")
        try browser.wait("\(rows).length == 32")
        try expectNoErrors()
    }

    @Test func hiddenTabsHoldNoConnection() throws {
        let server = try scope.serve("--workload", "copy", "--listen", "127.0.0.1:0")
        defer { server.kill(SIGTERM) }
        let address = try page(of: server)
        // A tab is hidden when the next one opens. A browser opens at most six connections to a server: if each tab kept one,
        // the seventh would not load.
        for _ in 0..<8 {
            try browser.ask("tab \(address)")
            try browser.wait("document.querySelector('#connection').textContent == 'live'")
        }
        func setVisible(_ isVisible: Bool) throws {
            try browser.ask(
                "evaluate Object.defineProperty(document, 'hidden', {value: \(!isVisible), configurable: true}) && "
                    + "document.dispatchEvent(new Event('visibilitychange'))")
        }
        try setVisible(false)
        let shown = try browser.text("#about")
        let streams = { try browser.log().requests.count { $0.hasSuffix("/events") } }
        let before = try streams()
        #expect(before == 8)
        try setVisible(true)
        try browser.wait("document.querySelector('#about').textContent != '\(shown)'")
        #expect(try streams() == before + 1)
        #expect(try browser.text("#connection") == "live")
        try expectNoErrors()
    }

    @Test(.enabled(if: Nginx.isThere, "scripts/fetch-packages nginx fetches nginx"))
    func thePageWorksAtAnotherPathBehindAProxy() throws {
        let server = try scope.serve("--workload", "copy", "--listen", "127.0.0.1:0")
        defer { server.kill(SIGTERM) }
        let proxy = try Nginx(in: scope.directory, before: try page(of: server))
        let curl = try requiredTool("curl", package: "curl")
        let options = ["-sS", "--noproxy", "*", "--retry", "20", "--retry-connrefused", "--retry-delay", "1"]
        #expect(try outputOfProgram(curl, options + [proxy.address + "healthz"]) == "ok\n")
        #expect(try outputOfProgram(curl, options + [proxy.address + "metrics"]).contains("dmascope_build_info"))

        // Each event comes when it is sent, although it is shorter than the proxy's buffers.
        let viewer = try RunningProgram(curl, options + ["--no-buffer", proxy.address + "events"])
        for number in 1...3 { try viewer.waitForOutput(containing: "\nid: \(number)\n") }
        viewer.kill(SIGTERM)

        try browser.ask("open \(proxy.address)")
        try browser.wait("document.querySelector('#connection').textContent == 'live'")
        let first = try browser.text(".channels .operations .figure")
        try browser.wait("document.querySelector('.channels .operations .figure').textContent != \"\(first)\"")
        let links = "[...document.querySelectorAll('footer a, .brand')].map((link) => link.href).join()"
        #expect(
            try browser.ask("evaluate \(links)").string
                == "\(proxy.address),\(proxy.address)snapshot.json,\(proxy.address)metrics")
        let log = try browser.log()
        #expect(log.errors == [] && log.messages == [])
        for request in log.requests { #expect(request.hasPrefix(proxy.address), "\(request)") }
    }

    @Test func figuresAreTheSameTextAsInTop() throws {
        let server = try scope.serve("--listen", "127.0.0.1:0")
        defer { server.kill(SIGTERM) }
        try browser.ask("open \(try page(of: server))")
        var values: [Double] = [
            0, 0.4, 1, 9.99, 9.994, 9.996, 12.4, 99.94, 99.96, 512, 999.4, 999.6, 1023.4, 1023.6, 1024, 1.005,
        ]
        let digits: [Double] = [1, 1.5, 2.675, 9.996, 99.94, 999.4, 999.6, 1023.4, 1023.7]
        var (decimal, binary) = (1.0, 1.0)
        for _ in 0..<17 {
            (decimal, binary) = (decimal * 10, binary * 8)
            for digits in digits { values += [digits * decimal, digits * binary] }
        }
        let list = values.map { "\($0)" }.joined(separator: ",")
        for (name, text) in [
            ("bytes", Quantity.bytes), ("count", Quantity.count), ("duration", Quantity.time(nanoseconds:)),
        ] {
            let script = "import('./format.js').then((format) => [\(list)].map(format.\(name)))"
            let texts = try browser.ask("evaluate \(script)").elements.map { $0.string ?? "" }
            #expect(texts == values.map(text), "\(name)")
        }
    }
}
