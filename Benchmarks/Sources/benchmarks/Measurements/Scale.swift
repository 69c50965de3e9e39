import CPeers
import ControllerDriver
import DMADev
import Foundation

/// How the cost of an event grows with what there is: of a scrape with the sources, of a join with the members of the
/// group, of a window with the windows, of a death with the members and with the rings of the dead one.
func measureScale(_ session: Session) throws {
    try measureScrapes(session)
    try measureMembers(session)
    try measureWindows(session)
    try measureRings(session)
    for line in ScaleLine.all {
        if let slope = line.slope(in: session.results) { session.record(line.name, "slope", "", [slope]) }
    }
}

extension ScaleLine {
    static let all = [
        ScaleLine(name: "scrape", title: "a scrape", against: "sources", greatest: 1000),
        ScaleLine(name: "join", title: "a join", against: "members", greatest: 1000),
        ScaleLine(name: "death", title: "a death", against: "members", greatest: 1000),
        ScaleLine(name: "window", title: "a window", against: "windows", greatest: 10000),
        ScaleLine(name: "rings", title: "a death", against: "its rings", greatest: 1000),
    ]
}

private func counts(of name: String, _ session: Session) -> [Int] {
    let greatest = session.setting.isQuick ? 30 : ScaleLine.all.first { $0.name == name }?.greatest ?? 0
    return ScaleLine.counts.filter { $0 <= greatest }
}

private func measureScrapes(_ session: Session) throws {
    let sources = try SourceProcesses(session.setting, "scale", channelCount: 1)
    defer { sources.end() }
    try sources.grow(to: 1)
    let scraper = try Scraper(session.setting, sources)
    defer { scraper.end() }
    for count in counts(of: "scrape", session) {
        try sources.grow(to: count)
        _ = try scraper.scrape()
        let work = ProcessWork(of: scraper.processID)
        let values = try (0..<(count < 1000 ? 5 : 3)).map { _ in try work.caused { _ = try scraper.scrape() } }
        session.record("scrape", "\(count)", work.unit, values)
    }
}

private func measureMembers(_ session: Session) throws {
    let scene = try GroupScene(session.setting)
    defer { scene.end() }
    for count in counts(of: "join", session) {
        try scene.grow(to: count)
        let work = ProcessWork(of: scene.processID)
        var (joins, deaths): ([Double], [Double]) = ([], [])
        for _ in 0..<5 {
            var member: Child?
            // The process connects, and its device joins.
            joins.append(try work.caused { member = try scene.startMember(ringCount: 0) })
            deaths.append(try work.caused { member?.end(SIGKILL) })
        }
        session.record("join", "\(count)", work.unit, joins)
        session.record("death", "\(count)", work.unit, deaths)
    }
}

private func measureWindows(_ session: Session) throws {
    let scene = try GroupScene(session.setting)
    defer { scene.end() }
    try scene.grow(to: 2)
    let buffer = try scene.members[0].makeBuffer(byteCount: 4096)
    let memory = WindowMemory(address: UInt64(UInt(bitPattern: buffer.bytes.baseAddress)), length: 4096)
    var opened = 0
    func open() throws {
        _ = try scene.members[0].registerWindow(memory, rights: .read, in: scene.group)
        opened += 1
    }
    for count in counts(of: "window", session) {
        while opened < count { try open() }
        let work = ProcessWork(of: scene.processID)
        let values = try (0..<5).map { _ in try work.caused { try open() } }
        session.record("window", "\(count)", work.unit, values)
    }
    withExtendedLifetime(buffer) {}
}

private func measureRings(_ session: Session) throws {
    let scene = try GroupScene(session.setting)
    defer { scene.end() }
    try scene.grow(to: 1)
    for count in counts(of: "rings", session) {
        let values = try (0..<5).map { _ in
            let member = try scene.startMember(ringCount: count)
            return try scene.work.caused { member.end(SIGKILL) }
        }
        session.record("rings", "\(count)", scene.work.unit, values)
    }
}
