import ArgumentParser
import CommandSupport
import TelemetryWire
import WebServer

/// `dmascope doctor`
struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look at what dmascope needs on this machine, and say what to do.",
        discussion: """
            Changes nothing. Each line has a state, what was looked at, and what was seen; below it stands what to do. ok: as \
            it should be. warning: something does not work, or not well. problem: dmascope serve, or its processes, cannot \
            work. unknown: this user cannot look. The exit status is 1 if there is a problem, otherwise 0.

            CHECKS: \(DoctorCheck.table.map(\.name).joined(separator: ", "))
            """)

    @Option(
        help: ArgumentHelp("The HTTP address that dmascope serve is to have, as its --listen.", valueName: "address"))
    var listen = "127.0.0.1:9876"
    @OptionGroup var trustOptions: TrustOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard listen == "off" || ListenAddress(listen) != nil else {
            throw ValidationError("--listen takes HOST:PORT, [IPv6]:PORT, :PORT, *:PORT, unix:PATH, or off")
        }
    }

    func run() throws {
        let request = DoctorRequest(listen: ListenAddress(listen), trust: trustOptions.trust)
        let findings = DoctorCheck.table.flatMap { check in check.look(request).map { (check.name, $0) } }
        let nameWidth = DoctorCheck.table.map(\.name.count).max() ?? 0
        try output.print(
            json: .array(findings.map { $1.json(check: $0) }),
            text: findings.map { $1.text(check: $0, nameWidth: nameWidth) }.joined(separator: "\n"))
        if findings.contains(where: { $1.state == .problem }) { throw Failure("") }
    }
}
