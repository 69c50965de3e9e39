import ArgumentParser
import CommandSupport
import Glibc
import TelemetryWire

/// `dmascope query`
struct Query: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query",
        abstract: "Send telemetry commands to a process and print its replies.",
        discussion: """
            Works with dmascope processes and DPDK applications. On a terminal replies are indented; otherwise each is \
            printed unchanged on one line. Without command arguments, commands are read from standard input, one per \
            line. The command / lists all commands of the process.
            """)

    @Argument(help: "A file prefix (PREFIX or PREFIX:N), or the path of a telemetry socket (contains a slash).")
    var target: String
    @Argument(help: ArgumentHelp("Commands, for example /dmadev/stats,0,1.", valueName: "command"))
    var commands: [String] = []
    @OptionGroup var trustOptions: TrustOptions
    @OptionGroup var timeoutOption: TimeoutOption
    @Flag(help: "Print replies unchanged, also on a terminal.")
    var json = false

    func validate() throws {
        // The other commands have a default process, so it is easily left out.
        if target.hasPrefix("/dmadev/"), access(target, F_OK) != 0 {
            throw ValidationError("the process comes first: dmascope query dmascope \(target)")
        }
    }

    func run() throws {
        let peer = try Peer(Target(target), trust: trustOptions.trust, timeout: timeoutOption.duration)
        var missing: String?
        var invalid: String?
        func handle(_ command: String) throws {
            let (text, reply) = try peer.requestText(command)
            try StandardStreams.print(layout(text, reply))
            if reply == nil { invalid = command }
            if reply?.members.count == 1, reply?.members.first?.value == .null { missing = command }
        }
        if commands.isEmpty {
            if StandardStreams.inputIsTerminal {
                StandardStreams.show("Commands for \(peer.path), one per line; / lists them, Ctrl-D ends.\n")
            }
            while let line = readLine() {
                if !line.isEmpty { try handle(line) }
            }
        } else {
            for command in commands { try handle(command) }
        }
        if let invalid { throw Failure("the reply to \(invalid) is not valid JSON: it is printed unchanged") }
        if let missing { throw peer.missing(try Self.reason(missing, of: peer), missing) }
    }

    /// Why a request is answered with null.
    private static func reason(_ request: String, of peer: Peer) throws(Failure) -> String {
        let path = String(request.prefix { $0 != "," })
        let paths = try peer.request("/")?.elements.compactMap(\.string) ?? []
        if paths.contains("/telemetry/errors"), paths.contains(path),
            let errors = try peer.request("/telemetry/errors,16")?.elements,
            let reason = errors.first(where: { $0["request"]?.string == request })?["reason"]?.string
        {
            return StandardStreams.printable(reason)
        }
        return paths.contains(path)
            ? "invalid parameters of \(path)"
            : "there is no command \(path)\(Suggestion.text(for: path, among: paths))"
    }

    private func layout(_ text: String, _ reply: JSONTree?) -> String {
        guard !json, StandardStreams.outputIsTerminal else { return text }
        return reply.map { JSONOutput.pretty($0) } ?? StandardStreams.printable(text)
    }
}
