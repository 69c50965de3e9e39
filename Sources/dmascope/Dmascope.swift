import ArgumentParser
import Glibc
import TelemetryWire

/// The program. A new subcommand is a file in `Commands`, and a row in `subcommands`.
@main
struct Dmascope: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dmascope",
        abstract: "See what DMA devices do.",
        discussion: """
            dmascope serves DMA devices and shows them: its own, and those of any DPDK application on this machine, \
            since both speak DPDK's telemetry protocol. Start with `dmascope serve`, then ask it from another terminal \
            with `dmascope list`, or move a file through a device with `dmascope copy`.

            EXIT STATUS:
            \(ExitStatus.help)
            """,
        version: DmascopeVersion.text,
        subcommands: [
            Serve.self,
            Copy.self,
            List.self,
            Info.self,
            Stats.self,
            Vchans.self,
            Top.self,
            Metrics.self,
            Check.self,
            Errors.self,
            Group.self,
            Demo.self,
            Bench.self,
            Query.self,
            Trace.self,
        ])

    static func main() {
        StandardStreams.prepare()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            finish(with: error)
        }
    }

    /// Ends the program with the status that fits, and one line on standard error unless all is well.
    private static func finish(with error: any Error) -> Never {
        if let failure = error as? Failure {
            if !failure.message.isEmpty { StandardStreams.complain(failure.message) }
            Glibc.exit(failure.status.rawValue)
        }
        let code = exitCode(for: error)
        // Help and version go to standard output and are no errors.
        guard code == .validationFailure else { exit(withError: error) }
        let lines = message(for: error).split(separator: "\n").map { $0.drop { $0 == " " } }
        StandardStreams.complain("\(lines.joined(separator: " ")): \(helpCommand(for: error)) shows what is possible")
        Glibc.exit(ExitStatus.usage.rawValue)
    }

    /// The help of the subcommand that was meant; its usage line begins with its name.
    private static func helpCommand(for error: any Error) -> String {
        let usage = fullMessage(for: error).split(separator: "\n").first { $0.hasPrefix("Usage: ") }
        let words = (usage ?? "").dropFirst("Usage: ".count).split(separator: " ")
        let command = words.prefix { $0.allSatisfy { $0.isLetter } }
        return (command.isEmpty ? ["dmascope"] : command).joined(separator: " ") + " --help"
    }
}
