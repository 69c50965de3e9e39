import ArgumentParser
import CommandSupport
import Glibc
import LinuxSystem
import TelemetryWire

/// `dmascope top`
struct Top: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Show live rates of virtual channels, of one process or of all.",
        discussion: """
            Reads all devices of a dmascope process or a DPDK application repeatedly, or with --all those of every \
            process, and shows the changes between two readings: rates, latencies of the operations in between, ring use. \
            What is halted, stuck or failing now is first. A dash (-) means: not reported. DPDK applications report the \
            statistics only. Bytes have binary units (1 KiB is 1024 bytes), all other figures decimal ones.

            On a terminal the table fills the screen, and the keys below work. Columns that do not fit are left out. If \
            the target exits, `top` waits for a new one. Otherwise, and with --json, readings are printed one after \
            another, and `top` exits with status 3 if the target exits. Ctrl-C ends it. Without colours: NO_COLOR=1.

            KEYS:
            \(TopCommand.help.joined(separator: "\n"))
            """)

    @Option(help: ArgumentHelp("Time between readings, 0.05 to 3600.", valueName: "seconds"))
    var interval = 1.0

    @Option(help: ArgumentHelp("End after this number of readings.", valueName: "count"))
    var count: Int?

    @Flag(help: "Show every process with DMA devices.")
    var all = false

    @Option(help: ArgumentHelp("Sort by this column; the default is the order of the devices.", valueName: "column"))
    var sort: TopColumn?

    @Flag(help: "Reverse the order.")
    var reverse = false

    @Option(help: ArgumentHelp("Show only rows with this text in process, device or state.", valueName: "text"))
    var filter = ""

    @OptionGroup var peer: PeerOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (0.05...3600).contains(interval) else { throw ValidationError("--interval takes 0.05 to 3600 seconds") }
        guard (count ?? 1) >= 1 else { throw ValidationError("--count takes 1 or more") }
        guard !all || peer.filePrefix == nil else {
            throw ValidationError("--all and --file-prefix exclude each other")
        }
    }

    func run() throws {
        if TerminalScreen.isPossible, !output.json {
            try runOnScreen()
        } else {
            try printReadings()
        }
    }

    private var order: TopOrder { TopOrder(column: sort, isReversed: reverse) }

    /// All sources together have to answer within a second, or the rates of all would wait for one that hangs.
    private var survey: TopSurvey {
        TopSurvey(
            sockets: peer.socket.map { [$0] } ?? [], trust: peer.trustOptions.trust,
            timeout: min(peer.timeoutOption.duration, .seconds(1)))
    }

    private func printReadings() throws {
        let termination = Termination()
        let survey = survey
        let reader = try all ? nil : TopReader(try peer.connect())
        var previous: TopReading?
        var next = MonotonicTime.now
        var left = count ?? .max
        repeat {
            let reading = try reader?.read() ?? survey.read()
            try output.print(
                json: reading.json(since: previous, filter: filter, order: order),
                text: reading.text(
                    since: previous, filter: filter, order: order, color: StandardStreams.outputTakesColor))
            previous = reading
            left -= 1
            next = max(next.advanced(by: .seconds(interval)), .now)
        } while left > 0 && !termination.wait(until: next)
    }

    private func runOnScreen() throws {
        // If the target does not exist at the start, fail instead of waiting.
        let place = try all ? "\(peer.target)" : findTarget()
        let screen = TerminalScreen()
        let signals = try ScreenSignals(for: screen)
        let feed = try TopFeed(
            peer.target, survey, trust: peer.trustOptions.trust, timeout: peer.timeoutOption.duration,
            interval: .seconds(interval), showsAll: all)
        var view = TopView(
            place: place, interval: interval, order: order, filter: filter, showsAll: all)
        var left = count ?? .max
        var hasKeyboard = screen.hasKeyboard
        // After a stop, until the shell gives the terminal back.
        var isAway = false

        defer { screen.leave() }
        try screen.enter()
        while true {
            if isAway {
                isAway = !screen.isInForeground
                if isAway { screen.abandon() } else { try screen.enter() }
            }
            if !isAway {
                let size = screen.size
                view.height = size.height
                try screen.draw(view.lines(width: size.width, color: StandardStreams.outputTakesColor))
            }
            guard left > 0 else { return }
            let keyboard = hasKeyboard && !isAway ? STDIN_FILENO : -1
            var entries = [feed.ready.raw, signals.ready.raw, keyboard].map {
                pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
            }
            _ = systemCall { poll(&entries, nfds_t(entries.count), -1) }

            if entries[0].revents != 0 { left -= try take(feed.drain(), &view) }
            if entries[1].revents != 0 {
                switch signals.drain() {
                case .end?: return
                case .stop?: isAway = stop(screen)
                case .resume?: isAway = true
                case nil: break
                }
                // What is typed may be for the shell by now.
                continue
            }
            guard entries[2].revents != 0 else { continue }
            guard let bytes = screen.readKeys() else {
                hasKeyboard = false
                continue
            }
            for key in TopKey.keys(in: bytes) {
                switch view.press(key) {
                case .quit?: return
                case .suspend?: isAway = stop(screen)
                case .newInterval?: feed.setInterval(.seconds(view.interval))
                case .newScope?: feed.setShowsAll(view.showsAll)
                case nil: break
                }
            }
        }
    }

    private func findTarget() throws(Failure) -> String {
        let first = try peer.connect()
        _ = try TopReader(first)
        return first.path
    }

    /// Passes events to the view and returns the number of readings among them.
    private func take(_ events: [TopFeed.Event], _ view: inout TopView) throws(Failure) -> Int {
        var count = 0
        for event in events {
            switch event {
            case .reading(let reading):
                view.take(reading)
                count += 1
            case .unavailable(let reason): view.takeUnavailability(reason)
            case .failed(let failure): throw failure
            }
        }
        return count
    }

    /// Returns the terminal to the shell and stops until the job continues, in the foreground or not: returns `true`.
    private func stop(_ screen: TerminalScreen) -> Bool {
        screen.leave()
        ScreenSignals.stopJob()
        return true
    }
}
