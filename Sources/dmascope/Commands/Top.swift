import ArgumentParser
import Glibc
import LinuxSystem
import TelemetryWire

/// `dmascope top`
struct Top: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Watch the virtual channels of a process at work.",
        discussion: """
            Reads all devices of a dmascope process, or of any DPDK application, again and again, and shows what has \
            changed between two readings: rates, latencies of the operations in between, the use of the rings. What \
            the target does not tell is shown as -; DPDK applications tell the statistics alone.

            On a terminal the table fills the screen, and keys work: q ends, p pauses, s sorts by the next column, r \
            turns the order, + and - change the interval, ? explains the columns. A target that goes away is waited \
            for. Otherwise, and with --json, readings are printed one after the other, and a target that goes away \
            is the end, with status 3. Ctrl-C ends it.
            """)

    @Option(help: ArgumentHelp("Time between readings, 0.05 to 3600.", valueName: "seconds"))
    var interval = 1.0

    @Option(help: ArgumentHelp("End after so many readings.", valueName: "count"))
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
        // A target that is not there in the first place is no reason to wait.
        let target = peer.target
        let place = try { () throws(Failure) in
            let first = try peer.connect()
            _ = try TopReader(first)
            return first.path
        }()
        let screen = TerminalScreen()
        let signals = try ScreenSignals(for: screen)
        let feed = try TopFeed(target, timeout: peer.timeoutOption.duration, interval: .seconds(interval))
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

    /// Shows what has come; says how many readings.
    private func take(_ events: [TopFeed.Event], _ view: inout TopView) throws(Failure) -> Int {
        var count = 0
        for event in events {
            switch event {
            case .reading(let reading):
                view.take(reading)
                count += 1
            case .absent(let reason): view.takeAbsence(reason)
            case .failed(let failure): throw failure
            }
        }
        return count
    }

    /// Gives the terminal to the shell, until the user comes back.
    private func suspend(_ screen: TerminalScreen) throws(Failure) {
        screen.leave()
        // The whole job, as the terminal does it. Without a shell that could continue it, the system does nothing.
        kill(0, SIGTSTP)
        try screen.enter()
    }
}
