import ArgumentParser
import CommandSupport
import CopyCommands
import Glibc
import PeerCommands
import TelemetryWire
import TraceCommands

/// The program. A new subcommand is a file in `Commands` of a module, a row in the module's list, and one in `subcommands`. Each
/// says its `commandName`: at every start ArgumentParser needs the names of all of them, and to make one from a type takes a
/// tenth of a millisecond.
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
            CopySubcommands.copy,
            PeerSubcommands.ps,
            PeerSubcommands.list,
            PeerSubcommands.info,
            PeerSubcommands.stats,
            PeerSubcommands.stat,
            PeerSubcommands.vchans,
            PeerSubcommands.top,
            PeerSubcommands.metrics,
            PeerSubcommands.check,
            Doctor.self,
            PeerSubcommands.observe,
            PeerSubcommands.errors,
            PeerSubcommands.group,
            PeerSubcommands.memory,
            CopySubcommands.demo,
            CopySubcommands.bench,
            PeerSubcommands.query,
            TraceSubcommands.trace,
            TraceSubcommands.audit,
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
