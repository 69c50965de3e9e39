import ArgumentParser
import Glibc
import LinuxSystem
import TelemetryWire

/// `dmascope top`
struct Top: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show live rates of a process's virtual channels.",
        discussion: """
            Reads all devices of a dmascope process or a DPDK application repeatedly, and shows the changes between \
            two readings: rates, latencies of the operations in between, ring use. A dash (-) means: not reported. \
            DPDK applications report the statistics only.

            On a terminal the table fills the screen, and these keys work: q ends, p pauses, s sorts by the next \
            column, r reverses the order, + and - change the interval, ? explains the columns. If the target exits, \
            `top` waits for a new one. Otherwise, and with --json, readings are printed one after another, and `top` \
            exits with status 3 if the target exits. Ctrl-C ends it.
            """)

    @Option(help: ArgumentHelp("Time between readings, 0.05 to 3600.", valueName: "seconds"))
    var interval = 1.0

    @Option(help: ArgumentHelp("End after this number of readings.", valueName: "count"))
    var count: Int?

    @OptionGroup var peer: PeerOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (0.05...3600).contains(interval) else { throw ValidationError("--interval takes 0.05 to 3600 seconds") }
        guard (count ?? 1) >= 1 else { throw ValidationError("--count takes 1 or more") }
    }

    func run() throws {
        if TerminalScreen.isPossible, !output.json {
            try runOnScreen()
        } else {
            try printReadings()
        }
    }

    private func printReadings() throws {
        let termination = Termination()
        let reader = try TopReader(try peer.connect())
        var previous: TopReading?
        var next = MonotonicTime.now
        var left = count ?? .max
        repeat {
            let reading = try reader.read()
            try output.print(
                json: reading.json(since: previous),
                text: reading.text(since: previous, bold: StandardStreams.outputTakesColor))
            previous = reading
            left -= 1
            next = max(next.advanced(by: .seconds(interval)), .now)
        } while left > 0 && !termination.wait(until: next)
    }

    private func runOnScreen() throws {
        // If the target does not exist at the start, fail instead of waiting.
        let target = peer.target
        let place = try { () throws(Failure) in
            let first = try peer.connect()
            _ = try TopReader(first)
            return first.path
        }()
        let screen = TerminalScreen()
        let signals = try ScreenSignals(for: screen)
        let feed = try TopFeed(
            target, trust: peer.trustOptions.trust, timeout: peer.timeoutOption.duration, interval: .seconds(interval))
        var view = TopView(place: place, interval: interval)
        var left = count ?? .max
        var hasKeyboard = screen.hasKeyboard

        defer { screen.leave() }
        try screen.enter()
        while true {
            let (width, height) = screen.size
            try screen.draw(view.lines(width: width, height: height, bold: StandardStreams.outputTakesColor))
            guard left > 0 else { return }
            var entries = [feed.ready.raw, signals.ready.raw, hasKeyboard ? STDIN_FILENO : -1].map {
                pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
            }
            _ = systemCall { poll(&entries, nfds_t(entries.count), -1) }

            if entries[1].revents != 0, signals.drain() { return }
            if entries[0].revents != 0 { left -= try take(feed.drain(), &view) }
            guard entries[2].revents != 0 else { continue }
            guard let bytes = screen.readKeys() else {
                hasKeyboard = false
                continue
            }
            for key in TopKey.keys(in: bytes) {
                switch view.press(key) {
                case .quit?: return
                case .suspend?: try suspend(screen)
                case .newInterval?: feed.setInterval(.seconds(view.interval))
                case nil: break
                }
            }
        }
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

    /// Returns the terminal to the shell until the job continues.
    private func suspend(_ screen: TerminalScreen) throws(Failure) {
        screen.leave()
        // Stop the whole job, like the terminal driver. In an orphaned process group the signal has no effect.
        kill(0, SIGTSTP)
        try screen.enter()
    }
}
