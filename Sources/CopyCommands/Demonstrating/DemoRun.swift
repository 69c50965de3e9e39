import CommandSupport
import LinuxSystem
import TelemetryWire

/// The steps of the demonstration.
final class DemoRun {
    private let controller: DemoController
    private let termination: Termination
    private let dataName: String
    private let byteCount: Int
    private let chunk: Int
    private let creator: DemoProcess
    private let joiner: DemoProcess

    init(_ controller: DemoController, _ data: borrowing DemoData, chunk: Int, _ termination: Termination)
        throws(Failure)
    {
        self.controller = controller
        self.termination = termination
        self.chunk = chunk
        dataName = data.name
        byteCount = data.byteCount
        // Only the joiner reads from the pipe: no other process receives the token.
        do {
            let secret = try AnonymousPipe()
            creator = try DemoProcess(
                .creator, controllerPath: controller.controllerPath, secret: secret.writing, data: data.descriptor,
                termination)
            joiner = try DemoProcess(
                .joiner, controllerPath: controller.controllerPath, secret: secret.reading, data: data.descriptor,
                termination)
        } catch {
            controller.end()
            throw error as? Failure ?? Failure("cannot create a pipe: \(error): end other processes")
        }
    }

    /// Kills both processes and stops the controller if it belongs to the demonstration.
    func end() {
        joiner.end()
        creator.end()
        controller.end()
    }

    func run(_ report: inout DemoReport) throws(Failure) {
        try start(&report)
        let group = try makeGroup(&report)
        try showGroup(group, &report)
        try move("read", "copied from A's window to B's memory", &report)
        try move("write", "copied from B's memory to A's other window", &report)
        try readForbiddenWindow(&report)
        try showTraffic(group, &report)
        try killJoiner(group, &report)
        try finish(&report)
    }

    // MARK: Steps

    private func start(_ report: inout DemoReport) throws(Failure) {
        try report.begin("A controller runs, and two processes that cannot access each other's memory.")
        let whose =
            controller.isOwn ? "started for this demonstration" : "of process \(controller.peer.pid)"
        try report.add(
            "start",
            [
                .init("controller", .string(controller.controllerPath)), .init("private", .bool(controller.isOwn)),
                .init("creator_pid", .integer(Int64(creator.pid))), .init("joiner_pid", .integer(Int64(joiner.pid))),
            ],
            "controller   \(controller.controllerPath) (\(whose))", "process A    pid \(creator.pid)",
            "process B    pid \(joiner.pid)")
    }

    private func makeGroup(_ report: inout DemoReport) throws(Failure) -> Int64 {
        try report.begin("A creates an access group and opens two windows of its memory for the group's members.")
        let made = try creator.request("create \(byteCount)", for: "created")
        let group = made["group_id"]?.integer ?? -1
        try report.add(
            "create", made.members.filter { $0.name != "answer" },
            "group \(group), A has handler \(JSONOutput.cell(made["handler"]))",
            "one window of \(ByteCount(byteCount).text) to read (\(dataName)), one of the same size to write")
        try report.begin("A sends B the group's number and its token through a pipe that only they have. B joins.")
        let joined = try joiner.request("join \(byteCount) \(chunk)", for: "joined")
        try report.add(
            "join", joined.members.filter { $0.name != "answer" },
            "B has handler \(JSONOutput.cell(joined["handler"])) and can list A's windows")
        return group
    }

    private func showGroup(_ group: Int64, _ report: inout DemoReport) throws(Failure) {
        let request = "/dmadev/group,\(group)"
        try report.begin("Telemetry reports the group's members: `dmascope group show \(group)` requests \(request).")
        let shown = try controller.peer.require(request, "the target does not report the group")
        try report.add("group", [.init("reply", shown)], members(shown))
    }

    private func move(_ command: String, _ what: String, _ report: inout DemoReport) throws(Failure) {
        try report.begin("\(ByteCount(byteCount).text) are \(what).")
        let moved = try joiner.request(command, for: "moved")
        let isRight: Bool
        if command == "read" {
            isRight = moved["verified"]?.bool == true
        } else {
            isRight = try creator.request("verify", for: "verified")["verified"]?.bool == true
        }
        let seconds = max(Double(moved["nanoseconds"]?.unsigned ?? 0) / 1e9, 1e-9)
        guard isRight else {
            throw Failure("the destination has wrong bytes: the controller is faulty", status: .different)
        }
        let rate = Quantity.bytes(Double(byteCount) / seconds)
        try report.add(
            command,
            [
                .init("bytes", .integer(Int64(byteCount))), .init("operations", moved["operations"] ?? .null),
                .init("seconds", .double(seconds)), .init("verified", .bool(isRight)),
            ],
            "\(JSONOutput.cell(moved["operations"])) operations in \(decimal(seconds, places: 3)) s, \(rate)/s; "
                + "all bytes are correct in \(command == "read" ? "B" : "A")")
    }

    private func readForbiddenWindow(_ report: inout DemoReport) throws(Failure) {
        try report.begin("B tries to read from the window that allows only writes.")
        let tried = try joiner.request("forbidden_read", for: "tried")
        try report.add(
            "forbidden_read", [.init("status", tried["status"] ?? .null)],
            "the operation fails with status \(JSONOutput.cell(tried["status"])): no byte was moved")
    }

    private func showTraffic(_ group: Int64, _ report: inout DemoReport) throws(Failure) {
        try report.begin(
            "Telemetry reports what the controller has moved for each process: /controller/peers, /controller/domains.")
        var connections: [JSONTree] = []
        for process in [creator, joiner] {
            let request = "/controller/peers,\(process.pid)"
            connections += try controller.peer.require(request, "the target does not report the connections").elements
        }
        let domains = try controller.peer.require(
            "/controller/domains,\(group)", "the target does not report the domains")
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
        try report.add(
            "traffic", [.init("peers", .array(connections)), .init("domains", domains)], table.text(bold: false))
    }

    private func killJoiner(_ group: Int64, _ report: inout DemoReport) throws(Failure) {
        try report.begin("B is killed during a transfer. A receives an event immediately.")
        _ = try joiner.request("work", for: "working")
        let killed = MonotonicTime.now
        joiner.end()
        let event = try creator.wait(for: "event")
        let milliseconds = Double(MonotonicTime.now.nanoseconds(since: killed)) / 1e6
        let shown = try controller.peer.require("/dmadev/group,\(group)", "the target does not report the group")
        try report.add(
            "kill",
            event.members.filter { $0.name != "answer" } + [
                .init("milliseconds", .double(milliseconds)), .init("reply", shown),
            ],
            "A's callback: event \(JSONOutput.cell(event["event"])) of handler \(JSONOutput.cell(event["handler"])), "
                + "\(decimal(milliseconds, places: 1)) ms after the signal was sent",
            "B's handler is invalid, and no engine accesses B's memory any more. The group now:", members(shown))
    }

    private func finish(_ report: inout DemoReport) throws(Failure) {
        try report.begin("A destroys the group and exits. No group or window remains.")
        _ = try creator.request("end", for: "ended")
        try creator.waitForEnd()
        try report.add("end", [])
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
