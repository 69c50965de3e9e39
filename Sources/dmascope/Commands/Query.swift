import ArgumentParser
import Glibc
import TelemetryWire

/// `dmascope query`
struct Query: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send telemetry commands to a process and print its replies.",
        discussion: """
            Works with dmascope processes and any DPDK application. On a terminal a reply is laid out for reading, \
            otherwise it is printed as it came, one line each. Without commands they are read from standard input, one \
            a line. The command / lists what the process answers.
            """)

    @Argument(help: "A file prefix, as PREFIX or PREFIX:N, or the path of a telemetry socket (it holds a slash).")
    var target: String
    @Argument(help: ArgumentHelp("Commands, as /dmadev/stats,0,1.", valueName: "command"))
    var commands: [String] = []
    @OptionGroup var timeoutOption: TimeoutOption
    @Flag(help: "Print the replies as they came, on a terminal too.")
    var json = false

    func run() throws {
        let peer = try Peer(Target(target), timeout: timeoutOption.duration)
        var lacking: String?
        var invalid: String?
        func handle(_ command: String) throws {
            let (text, reply) = try peer.askForText(command)
            try StandardStreams.print(layout(text, reply))
            if reply == nil { invalid = command }
            if reply?.members.count == 1, reply?.members.first?.value == .null { lacking = command }
        }
        if commands.isEmpty {
            if StandardStreams.inputIsTerminal {
                StandardStreams.show("Commands for \(peer.path), one a line; / lists them, Ctrl-D ends.\n")
            }
            while let line = readLine() {
                if !line.isEmpty { try handle(line) }
            }
        } else {
            for command in commands { try handle(command) }
        }
        if let invalid { throw Failure("the reply to \(invalid) is no valid JSON: it is printed as it came") }
        if let lacking { throw peer.lacks("no such command, or not with these parameters", lacking) }
    }

    private func layout(_ text: String, _ reply: JSONTree?) -> String {
        guard !json, StandardStreams.outputIsTerminal else { return text }
        return reply.map { JSONOutput.pretty($0) } ?? StandardStreams.printable(text)
    }
}
