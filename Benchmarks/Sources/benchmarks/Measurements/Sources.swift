import CPeers
import Foundation

/// What `dmascope serve` uses to read 300 telemetry sources with 8 channels each: for a scrape, for a snapshot of the live
/// page, and between them; and how long the commands take that only look at one of them.
func measureSources(_ session: Session) throws {
    let setting = session.setting
    let sources = try SourceProcesses(setting, "sources", channelCount: 8)
    defer { sources.end() }
    try sources.grow(to: setting.isQuick ? 10 : 300)
    let scraper = try Scraper(setting, sources)
    defer { scraper.end() }
    // The first collection fills caches that a service at work has.
    _ = try scraper.scrape()
    let rounds = setting.isQuick ? 2 : 7
    try session.inTurn(
        "scrape", unit: "", rounds: rounds,
        [
            subject("plain", scraper) { try scraper.scrape().count },
            subject("gzip", scraper) { try scraper.scrape(compressed: true).count },
        ])
    try session.inTurn(
        "page", unit: "", rounds: rounds,
        [
            subject("snapshot", scraper) {
                // A younger snapshot would be sent again.
                usleep(1_100_000)
                return try scraper.snapshot().count
            }
        ])
    // What a scrape leaves to be done is done by then.
    usleep(500_000)
    let seconds = setting.isQuick ? 0.5 : 3
    try session.inTurn(
        "rest", unit: "% of a CPU", rounds: 3,
        [
            Session.Subject("dmascope") {
                let (begin, clock) = (try scraper.processorNanoseconds(), cpeers_now())
                usleep(UInt32(seconds * 1e6))
                return (try scraper.processorNanoseconds() - begin) / (cpeers_now() - clock) * 100
            }
        ])
    try measureCommands(session, sources)
}

/// Processor time of the scraper, the time until the response is complete, and its length.
private func subject(_ name: String, _ scraper: Scraper, _ request: @escaping () throws -> Int) -> Session.Subject {
    var subject = Session.Subject(["\(name)-processor", "\(name)-bytes"]) {
        let begin = try scraper.processorNanoseconds()
        let count = try request()
        return [(try scraper.processorNanoseconds() - begin) / 1e9, Double(count) / 1e6]
    }
    subject.units = ["s", "MB"]
    return subject
}

/// From the start of the program to its end.
private func measureCommands(_ session: Session, _ sources: SourceProcesses) throws {
    let (setting, name) = (session.setting, "source3")
    let commands: [(name: String, arguments: [String])] = [
        ("version", ["--version"]), ("list", ["list", "--file-prefix", name]),
        ("stats", ["stats", "--file-prefix", name]), ("vchans", ["vchans", "--file-prefix", name]),
        ("query", ["query", name, "/dmadev/list"]), ("check", ["check", "--source", name, "--interval", "0"]),
        ("top", ["top", "--count", "1", "--file-prefix", name]),
    ]
    try session.inTurn(
        "command", unit: "ms", rounds: setting.isQuick ? 2 : 15,
        commands.map { command in
            Session.Subject(command.name) {
                let begin = cpeers_now()
                try run([setting.dmascope] + command.arguments, runDirectory: sources.directory)
                return (cpeers_now() - begin) / 1e6
            }
        })
}

/// Runs a program to its end, without its output.
private func run(_ command: [String], runDirectory: String) throws(Failure) {
    let process = try Child.startSilently(command, environment: ["RUNTIME_DIRECTORY": runDirectory])
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 {
        guard errno == EINTR else { throw Failure("\(command[0]): \(String(cString: strerror(errno)))") }
    }
    guard status == 0 else { throw Failure("\(command.joined(separator: " ")): wait status \(status)") }
}
