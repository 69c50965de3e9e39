import Foundation
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

/// The live page in a real browser.
@Suite(.serialized) struct BrowserTests {
    private let scope: Scope
    private let browser: Browser

    init() throws {
        scope = try Scope()
        browser = try Browser()
    }

    private func page(of server: RunningProgram) throws -> String {
        try String(server.waitForOutput { $0.firstMatch(of: #/Live page: (http:[^\n]*)\n/#)?.1 })
    }

    /// An application in an access group of the server's controller, with a name for its device.
    private func member(
        of server: RunningProgram, _ prefix: String, _ device: String, joining group: Substring? = nil
    ) throws -> (program: RunningProgram, group: Substring) {
        let controller = try server.waitForOutput { $0.firstMatch(of: #/--device controller,socket=([^\n]*)\n/#)?.1 }
        let program = try RunningProgram(
            builtProduct("group-member"), [prefix, String(controller), device] + (group.map { [String($0)] } ?? []),
            environment: scope.environment)
        return (program, try program.waitForOutput { $0.firstMatch(of: #/group ([0-9]+)\n/#)?.1 })
    }

    /// What the devices on the page are called.
    private static let names = "[...document.querySelectorAll('.device h3')].map((title) => title.textContent)"

    /// What is wider than the window, by its tag and class.
    private static let overflow = """
        [...document.querySelectorAll('body *')].filter((element) => !element.closest('.unseen, .skip, thead, svg') &&
        element.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
        .map((element) => element.tagName + '.' + element.className).join()
        """

    @Test func theFiguresOfAServerAtWorkMove() throws {
        let server = try scope.serve("--workload", "copy", "--listen", "127.0.0.1:0")
        defer { server.kill(SIGTERM) }
        let hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>"
        let creator = try member(of: server, "storage", hostile)
        let joiner = try member(of: server, "network", "net0", joining: creator.group)
        let address = try page(of: server)

        try browser.ask("media light")
        try browser.ask("size 1280 900")
        try browser.ask("open \(address)")
        for name in ["dma0", "dma1", hostile, "net0"] { try browser.wait("\(Self.names).includes('\(name)')") }
        #expect(try browser.text("#connection") == "live")

        // Throughput, operations, histogram and picture move.
        try browser.wait("/[1-9].*B\\/s/.test(document.querySelector('.tile .value').textContent)")
        let first = try browser.text(".channels .operations .figure")
        try browser.wait("document.querySelector('.channels .operations .figure').textContent != \"\(first)\"")
        let line = try browser.ask("evaluate document.querySelector('.tile .line').getAttribute('d')").string ?? ""
        try browser.wait("document.querySelector('.tile .line').getAttribute('d') != '\(line)'")
        try browser.wait(
            "[...document.querySelectorAll('.histogram rect')].some((bar) => bar.style.transform == 'scaleY(1)')")
        #expect(try browser.text(".channels .ring .figure").contains("/ 1024"))

        // The group, its members, and what befell them.
        try browser.wait("document.querySelectorAll('.graph .member').length == 2")
        #expect(try browser.text("#groups .badge").contains("2 of 8 members"))
        let members = try browser.text(".members tbody")
        #expect(members.contains("storage") && members.contains("network") && members.contains("creator"))
        try browser.wait("document.querySelector('#events').textContent.includes('joined')")
        try browser.wait("document.querySelector('#errors').textContent.includes('access_group_join')")
        let processes = try browser.text(".processes tbody")
        for text in ["dmascope", "storage", "network", "group-member", "answers", "\(server.processID)"] {
            #expect(processes.contains(text), "\(text) in \(processes)")
        }

        // A process that hangs is named, with the reason and what to do; it comes back.
        joiner.program.kill(SIGSTOP)
        try browser.wait("document.querySelector('.processes').textContent.includes('kill -CONT')")
        #expect(try browser.text("#announcements").contains("network does not answer"))
        #expect(try browser.text("#trouble").contains("network"))
        joiner.program.kill(SIGCONT)
        try browser.wait("!document.querySelector('.processes').textContent.includes('kill -CONT')")
        // A process that dies leaves no device and no member.
        joiner.program.kill(SIGKILL)
        try joiner.program.wait()
        try browser.wait("!\(Self.names).includes('net0')")
        try browser.wait("document.querySelectorAll('.graph .member').length == 1")

        // On a phone nothing sticks out; in the dark it is dark.
        let light = try browser.ask("evaluate getComputedStyle(document.body).backgroundColor").string
        for scheme in ["dark", "light"] {
            try browser.ask("media \(scheme)")
            let colour = try browser.ask("evaluate getComputedStyle(document.body).backgroundColor").string
            #expect((colour == light) == (scheme == "light"))
            for width in [320, 390, 800, 1280] {
                try browser.ask("size \(width) 844")
                #expect(
                    try browser.ask("evaluate document.documentElement.scrollWidth <= \(width)").bool == true,
                    "\(width)")
                #expect(try browser.ask("evaluate \(Self.overflow)").string == "", "\(width)")
            }
        }

        let log = try browser.log()
        #expect(log.errors == [] && log.messages == [])
        #expect(log.requests.count > 5)
        for request in log.requests { #expect(request.hasPrefix(address), "\(request)") }
    }

    @Test func whatIsStuckAndFailingIsNamedFirstWithALink() throws {
        let server = try scope.serve(
            "--device", "fault,freeze=5", "--workload", "copy", "--stuck-after", "0.05", "--listen", "127.0.0.1:0")
        defer { server.kill(SIGTERM) }
        let failing = try scope.serve(
            "--device", "fault,every=2:bus_error", "--workload", "copy", "--file-prefix", "bad")
        defer { failing.kill(SIGTERM) }
        try browser.ask("size 1280 900")
        try browser.ask("open \(try page(of: server))")
        let items = "[...document.querySelectorAll('#trouble-list li')].map((item) => item.textContent)"
        try browser.wait("\(items).some((text) => text.includes('stuck') && text.includes('dmascope: '))")
        try browser.wait("\(items).some((text) => text.includes('failing') && text.includes('bad: '))")
        let isLinked = """
            [...document.querySelectorAll('#trouble-list a')].every((link) =>
            document.querySelector(link.getAttribute('href')).matches('.device'))
            """
        #expect(try browser.ask("evaluate \(isLinked)").bool == true)
        let badges = "[...document.querySelectorAll('.device .badge')].map((badge) => badge.textContent)"
        try browser.wait("\(badges).includes('stuck')")
        failing.kill(SIGTERM)
        try failing.wait()
        try browser.wait("!\(items).some((text) => text.includes('bad: '))")
        let log = try browser.log()
        #expect(log.errors == [] && log.messages == [])
    }

    @Test func memoryAndAttachmentsAreShownWhileThereAreSome() throws {
        let hostile = "<img src=x onerror=alert(2)>" + String(repeating: "w", count: 180)
        let replies = [
            #"{"/":["/","/dmadev/interconnects","/dmadev/memory"]}"#,
            """
            {"/dmadev/interconnects":{"count":2,"mapped_bytes":65536,"revocations":3,"revocation_timeouts":1,\
            "states":{"mapped":1,"revoking":1},"fallbacks":[{"interconnect":"rdma","reason":"no link","count":5}],\
            "attachments":[{"id":1,"state":"mapped","exporter":"\(hostile)","inode":11,"bytes":65536,"importer":"dma0",\
            "interconnect":"system_memory","fallbacks":[{"interconnect":"rdma","reason":"no link"}],\
            "direction":"to_device","nb_ranges":1},{"id":2,"state":"revoking","revoked_ns":2000000,"fallbacks":[]}]}}
            """,
            """
            {"/dmadev/memory":{"count":40,"kinds":[{"kind":"memfd","regions":40,"bytes":163840}],"regions":[{"region":1,\
            "address":1048576,"length":4096,"kind":"memfd","exporter":"\(hostile)","inode":7,"uses":["\(hostile)"]}]}}
            """,
        ]
        let steps: [FakePeer.Step] =
            [.send(FakePeer.greeting)] + replies.flatMap { [.receive, .send($0)] } + [.waitForEnd]
        let server = try scope.serve("--listen", "127.0.0.1:0", "--no-controller")
        defer { server.kill(SIGTERM) }
        var camera: FakePeer? = try FakePeer(scope.makeSocket("camera"), steps)
        let card = "document.querySelector('#memory [aria-label=\"Attachments\"]')"
        try browser.ask("size 1280 900")
        try browser.ask("open \(try page(of: server))")
        try browser.wait("\(card) !== null")
        let text = try browser.text("#memory-list")
        for part in [
            hostile, "0x100000", "memfd: 40, 160 KiB", "39 more are not shown", "2 attachments", "1 mapped, 1 revoking",
            "3 revocations, 1 not in time", "5 fall-backs", "system_memory: rdma: no link", "to_device 1 range",
            "revoked 2 ms ago", "inode 11",
        ] {
            #expect(text.contains(part), "\(part) in \(text)")
        }
        #expect(try browser.ask("evaluate document.querySelectorAll('#memory img').length").integer == 0)
        #expect(try browser.ask("evaluate document.querySelector('#memory-link').hidden").bool == false)
        for width in [320, 800, 1280] {
            try browser.ask("size \(width) 844")
            #expect(try browser.ask("evaluate \(Self.overflow)").string == "", "\(width)")
        }

        withExtendedLifetime(camera) {}
        camera = nil
        try browser.wait("\(card) === null")
        // This machine may have dma-bufs.
        let isHidden = "document.querySelector('#memory').hidden && document.querySelector('#memory-link').hidden"
        #expect(
            try browser.ask("evaluate document.querySelector('#memory-list').childElementCount > 0 || \(isHidden)").bool
                == true)
        let log = try browser.log()
        #expect(log.errors == [] && log.messages == [])
    }

    @Test func anEmptyPageSaysWhatToDoAndKeysReachEverything() throws {
        let server = try scope.serve("--listen", "127.0.0.1:0", "--no-controller")
        defer { server.kill(SIGTERM) }
        try browser.ask("size 1280 900")
        try browser.ask("open \(try page(of: server))")
        try browser.wait("document.querySelector('#groups-list').textContent.includes('dmascope group list')")
        #expect(try browser.text("#groups").contains("No access groups yet"))
        #expect(try browser.text("#events").contains("No group events yet"))
        #expect(try browser.text("#errors").contains("Nothing failed"))

        // What the Tab key visits, until it is at the beginning again.
        var visited: [String] = []
        for _ in 0..<40 {
            try browser.ask("key Tab")
            let outline = try browser.ask("evaluate getComputedStyle(document.activeElement).outlineStyle").string
            let name = try browser.ask(
                "evaluate (document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText)"
            ).string
            let isOutside = try browser.ask("evaluate document.activeElement === document.body").bool == true
            guard let name, !isOutside, name != visited.first else { break }
            #expect(outline == "solid", "the focus on \(name) is seen")
            visited.append(name)
        }
        for name in ["Skip to the devices", "Devices", "Access groups", "Pause", "13 capabilities", "snapshot.json"] {
            #expect(visited.contains(name), "\(visited)")
        }
        // Landmarks, one heading of the first level, and names for all tables.
        let shape =
            "['main', 'header', 'nav', 'footer', 'h1'].map((name) => document.querySelectorAll(name).length > 0)"
        #expect(try browser.ask("evaluate \(shape)").elements.allSatisfy { $0.bool == true })
        #expect(
            try browser.ask("evaluate [...document.querySelectorAll('table')].every((table) => table.caption)").bool
                == true)
    }

    @Test(.enabled(if: geteuid() == 0, "\(OtherUsersServer.needsSuperuser)"))
    func aProcessOfAnUntrustedUserIsShownWithItsOwner() throws {
        let other = try OtherUsersServer(in: scope.directory)
        let server = try scope.serve("--listen", "127.0.0.1:0", "--socket", other.path)
        defer { server.kill(SIGTERM) }
        try browser.ask("open \(page(of: server))")
        try browser.wait("[...document.querySelectorAll('.processes tbody tr')].length == 2")
        let row = "[...document.querySelectorAll('.processes tbody tr')].find((row) => row.innerText.includes('other'))"
        for text in ["not trusted", "user \(OtherUsersServer.user)", "--trust-user \(OtherUsersServer.user)"] {
            try browser.wait("\(row).innerText.includes('\(text)')")
        }
        #expect(
            try browser.ask("evaluate document.querySelector('#summary').innerText").string?.contains("1 not trusted")
                == true)
    }

    @Test func aPauseStopsTheFiguresAndAnEndIsSaid() throws {
        let server = try scope.serve("--workload", "copy", "--listen", "127.0.0.1:0")
        let address = try page(of: server)
        try browser.ask("open \(address)")
        try browser.wait("/[1-9]/.test(document.querySelector('.channels .operations .figure')?.textContent)")
        try browser.ask("evaluate document.querySelector('#pause').focus()")
        try browser.ask("key Enter")
        #expect(try browser.text("#connection") == "paused")
        let shown = try browser.text("#about")
        // The server goes on, and so does the stream.
        let port = try #require(address.firstMatch(of: #/:([0-9]+)\//#)?.1)
        server.kill(SIGTERM)
        #expect(try server.wait().exit == .exited(0))
        try browser.wait("document.querySelector('#connection').textContent == 'no connection'")
        #expect(try browser.text("#notice").contains("Start dmascope serve again"))
        #expect(try browser.text("#about") == shown)

        // It comes back by itself.
        let next = try scope.serve("--workload", "copy", "--listen", "127.0.0.1:\(port)")
        defer { next.kill(SIGTERM) }
        try browser.wait("document.querySelector('#connection').textContent == 'paused'")
        try browser.ask("key Enter")
        try browser.wait("document.querySelector('#connection').textContent == 'live'")
        try browser.wait("document.querySelector('.processes').textContent.includes('\(next.processID)')")
        #expect(try browser.ask("evaluate document.querySelector('#notice').hidden").bool == true)
    }
}
