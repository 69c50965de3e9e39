import ArgumentParser
import Logging

/// Which messages are shown, and how.
struct LogOptions: ParsableArguments {
    /// How a message looks on standard error.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        /// A line for people.
        case text
        /// An object a line, for programs.
        case json
    }

    @Option(
        help: ArgumentHelp(
            "Least level of messages on standard error: \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "level"))
    var logLevel = Logger.Level.notice

    @Option(help: "How messages are written: text for people, or json, an object a line.")
    var logFormat = Format.text

    /// Sets up logging for the process, once: to standard error, from the level on.
    func bootstrap() -> Logger {
        LoggingSystem.bootstrap { [logLevel, logFormat] label in
            var handler: any LogHandler =
                switch logFormat {
                case .text: StreamLogHandler.standardError(label: label)
                case .json: JSONLogHandler(label: label)
                }
            handler.logLevel = logLevel
            return handler
        }
        return Logger(label: "dmascope")
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
