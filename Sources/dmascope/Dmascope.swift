import ArgumentParser
import Glibc
import TelemetryWire

/// The program. A new subcommand is a file in `Commands`, and a row in `subcommands`. Each says its `commandName`: at every
/// start ArgumentParser needs the names of all of them, and to make one from a type takes a tenth of a millisecond.
@main
struct Dmascope: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dmascope",
        abstract: "Run, observe and measure DMA devices.",
        discussion: """
            dmascope serves DMA devices and shows them: its own and those of every DPDK application on this machine, \
            because both use DPDK's telemetry protocol. Start with `dmascope serve`, then list the devices in another \
            terminal with `dmascope list`, or copy a file with a device: `dmascope copy`.

            EXIT STATUS:
            \(ExitStatus.help)
            """,
        version: BuildVersion.text,
        subcommands: [
            Serve.self,
            Monitor.self,
            Copy.self,
            Ps.self,
            List.self,
            Info.self,
            Stats.self,
            Stat.self,
            Vchans.self,
            Top.self,
            Metrics.self,
            Check.self,
            Doctor.self,
            Observe.self,
            Errors.self,
            Group.self,
            Memory.self,
            Demo.self,
            Bench.self,
            Query.self,
            Trace.self,
            Audit.self,
            Connector.self,
        ])

    static func main() {
        StandardStreams.prepare()
        if let unknown = UnknownCommand(in: CommandLine.arguments.dropFirst()) {
            StandardStreams.reportError(unknown.message)
            Glibc.exit(ExitStatus.usage.rawValue)
        }
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            finish(with: error)
        }
    }

    /// Ends the program with the error's exit status, and prints one line on standard error if it failed.
    private static func finish(with error: any Error) -> Never {
        if let failure = error as? Failure {
            if !failure.message.isEmpty { StandardStreams.reportError(failure.message) }
            Glibc.exit(failure.status.rawValue)
        }
        let code = exitCode(for: error)
        // Help and version are no errors: the library prints them to standard output.
        guard code == .validationFailure else { exit(withError: error) }
        let lines = message(for: error).split(separator: "\n").map { $0.drop { $0 == " " } }
        let (sentence, help) = (lines.joined(separator: " "), helpCommand(for: error))
        if help == "dmascope check --help" {
            // Monitoring systems show standard output, and take other statuses for another result.
            let report = CheckReport(state: .unknown, sentence: "\(sentence): see \(help)")
            try? StandardStreams.print(report.text())
            Glibc.exit(report.state.rawValue)
        }
        StandardStreams.reportError("\(sentence): see \(help)")
        Glibc.exit(ExitStatus.usage.rawValue)
    }

    /// The help command of the subcommand in the error's usage line.
    private static func helpCommand(for error: any Error) -> String {
        let usage = fullMessage(for: error).split(separator: "\n").first { $0.hasPrefix("Usage: ") }
        let words = (usage ?? "").dropFirst("Usage: ".count).split(separator: " ")
        let command = words.prefix { $0.allSatisfy { $0.isLetter } }
        return (command.isEmpty ? ["dmascope"] : command).joined(separator: " ") + " --help"
    }
}
