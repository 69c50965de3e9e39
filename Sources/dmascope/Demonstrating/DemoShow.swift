import LinuxSystem
import TelemetryWire

/// The demonstration itself.
final class DemoShow {
    private let place: DemoPlace
    private let termination: Termination
    private let dataName: String
    private let byteCount: Int
    private let chunk: Int
    private let creator: DemoProcess
    private let joiner: DemoProcess

    init(_ place: DemoPlace, _ data: borrowing DemoData, chunk: Int, _ termination: Termination) throws(Failure) {
        self.place = place
        self.termination = termination
        self.chunk = chunk
        dataName = data.name
        byteCount = data.byteCount
        // Neither this process nor anybody else reads it: the token goes from the one to the other.
        do throws(Failure) {
            let secret = try DemoPipe()
            creator = try DemoProcess(
                .creator, controllerPath: place.controllerPath, secret: secret.writing, data: data.descriptor,
                termination)
            joiner = try DemoProcess(
                .joiner, controllerPath: place.controllerPath, secret: secret.reading, data: data.descriptor,
                termination)
        } catch {
            place.end()
            throw error
        }
    }

    /// Ends both processes, whatever they do, and the controller if it is one's own.
    func end() {
        joiner.end()
        creator.end()
        place.end()
    }

    func run(_ story: inout DemoStory) throws(Failure) {
        try introduce(&story)
        let group = try makeGroup(&story)
        try tellGroup(group, &story)
        try move("read", "copied from A's window to B's memory", &story)
        try move("write", "copied from B's memory to A's other window", &story)
        try trespass(&story)
        try tellTraffic(group, &story)
        try killJoiner(group, &story)
        try finish(&story)
    }

    // MARK: Steps

    private func introduce(_ story: inout DemoStory) throws(Failure) {
        try story.begin("A controller is there, and two processes that cannot reach each other's memory.")
        let whose =
            place.isOwn ? "its own, for as long as this demonstration runs" : "that of process \(place.peer.pid)"
        try story.tell(
            "start",
            [
                .init("controller", .string(place.controllerPath)), .init("private", .bool(place.isOwn)),
                .init("creator_pid", .integer(Int64(creator.pid))), .init("joiner_pid", .integer(Int64(joiner.pid))),
            ],
            "controller   \(place.controllerPath) (\(whose))", "process A    pid \(creator.pid)",
            "process B    pid \(joiner.pid)")
    }

    private func makeGroup(_ story: inout DemoStory) throws(Failure) -> Int64 {
        try story.begin("A makes an access group, and opens two windows of its memory for the group's members.")
        let made = try creator.ask("create \(byteCount)", for: "created")
        let group = made["group_id"]?.integer ?? -1
        try story.tell(
            "create", made.members.filter { $0.name != "answer" },
            "group \(group), A has handler \(JSONOutput.cell(made["handler"]))",
            "\(ByteCount(byteCount).text) to be read (\(dataName)), and as much to be written to")
        try story.begin("A hands B the group's number and its token, through a pipe that only they have. B joins.")
        let joined = try joiner.ask("join \(byteCount) \(chunk)", for: "joined")
        try story.tell(
            "join", joined.members.filter { $0.name != "answer" },
            "B has handler \(JSONOutput.cell(joined["handler"])), and sees A's windows")
        return group
    }

    private func tellGroup(_ group: Int64, _ story: inout DemoStory) throws(Failure) {
        let request = "/dmadev/group,\(group)"
        try story.begin("Telemetry tells who is in the group: `dmascope group show \(group)` asks for \(request).")
        let shown = try place.peer.demand(request, "the group is not told")
        try story.tell("group", [.init("reply", shown)], members(shown))
    }

    private func move(_ command: String, _ what: String, _ story: inout DemoStory) throws(Failure) {
        try story.begin("\(ByteCount(byteCount).text) are \(what).")
        let moved = try joiner.ask(command, for: "moved")
        let isRight: Bool
        if command == "read" {
            isRight = moved["verified"]?.bool == true
        } else {
            isRight = try creator.ask("verify", for: "verified")["verified"]?.bool == true
        }
        let seconds = max(Double(moved["nanoseconds"]?.unsigned ?? 0) / 1e9, 1e-9)
        guard isRight else {
            throw Failure("the bytes that have arrived are wrong: the controller is faulty", status: .different)
        }
        let rate = ByteCount.text(Double(byteCount) / seconds)
        try story.tell(
            command,
            [
                .init("bytes", .integer(Int64(byteCount))), .init("operations", moved["operations"] ?? .null),
                .init("seconds", .double(seconds)), .init("verified", .bool(isRight)),
            ],
            "\(JSONOutput.cell(moved["operations"])) operations in \(decimal(seconds, places: 3)) s, \(rate)/s; "
                + "every byte is right, says \(command == "read" ? "B" : "A")")
    }

    private func trespass(_ story: inout DemoStory) throws(Failure) {
        try story.begin("B tries to read from the window that it may only write to.")
        let tried = try joiner.ask("trespass", for: "tried")
        try story.tell(
            "trespass", [.init("status", tried["status"] ?? .null)],
            "the operation ends as \(JSONOutput.cell(tried["status"])): nothing was moved")
    }

    private func tellTraffic(_ group: Int64, _ story: inout DemoStory) throws(Failure) {
        try story.begin(
            "Telemetry tells what the controller has moved for whom: /controller/peers, /controller/domains.")
        var connections: [JSONTree] = []
        for process in [creator, joiner] {
            let request = "/controller/peers,\(process.pid)"
            connections += try place.peer.demand(request, "the connections are not told").elements
        }
        let domains = try place.peer.demand("/controller/domains,\(group)", "the domains are not told")
        var table = TextTable(
            ("PROCESS", .left), ("OPERATIONS", .right), ("BYTES", .right), ("REFUSED", .right),
            ("READ FROM IT", .right), ("WRITTEN TO IT", .right))
        for connection in connections {
            let pid = connection["pid"]?.integer
            let windows = domains.elements.first { $0["pid"]?.integer == pid }
            table.add([
                pid == Int64(creator.pid) ? "A" : "B", JSONOutput.cell(connection["operations"]),
                JSONOutput.cell(connection["bytes"]), JSONOutput.cell(connection["refused_accesses"]),
                JSONOutput.cell(windows?["read_bytes"]), JSONOutput.cell(windows?["written_bytes"]),
            ])
        }
        try story.tell(
            "traffic", [.init("peers", .array(connections)), .init("domains", domains)], table.text(bold: false))
    }

    private func killJoiner(_ group: Int64, _ story: inout DemoStory) throws(Failure) {
        try story.begin("B is killed in the middle of its work. A hears of it at once.")
        _ = try joiner.ask("work", for: "working")
        let killed = MonotonicTime.now
        joiner.end()
        let event = try creator.wait(for: "event")
        let milliseconds = Double(MonotonicTime.now.nanoseconds(since: killed)) / 1e6
        let shown = try place.peer.demand("/dmadev/group,\(group)", "the group is not told")
        try story.tell(
            "kill",
            event.members.filter { $0.name != "answer" } + [
                .init("milliseconds", .double(milliseconds)), .init("reply", shown),
            ],
            "A's callback: handler \(JSONOutput.cell(event["handler"])) has \(JSONOutput.cell(event["event"])), "
                + "\(decimal(milliseconds, places: 1)) ms after the signal was sent",
            "B's handler is dead, and no engine touches what was B's. The group now:", members(shown))
    }

    private func finish(_ story: inout DemoStory) throws(Failure) {
        try story.begin("A ends the group, and itself. Nothing is left.")
        _ = try creator.ask("end", for: "ended")
        try creator.waitForEnd()
        try story.tell("end", [])
    }

    private func members(_ shown: JSONTree) -> String {
        var table = TextTable(
            ("PROCESS", .left), ("HANDLER", .right), ("DOMAIN", .left), ("PID", .right), ("ROLE", .left),
            ("WINDOWS", .right))
        for member in shown["members"]?.elements ?? [] {
            table.add([
                member["pid"]?.integer == Int64(creator.pid) ? "A" : "B", JSONOutput.cell(member["handler"]),
                JSONOutput.cell(member["domain_id"]), JSONOutput.cell(member["pid"]),
                member["creator"]?.integer == 1 ? "creator" : "joiner", "\(member["windows"]?.elements.count ?? 0)",
            ])
        }
        return table.text(bold: false)
    }
}
