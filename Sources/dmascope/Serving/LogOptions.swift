import ArgumentParser
import Logging

/// The level and the format of log messages.
struct LogOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        /// Plain text, one line per message.
        case text
        /// One JSON object per line.
        case json
    }

    @Option(
        help: ArgumentHelp(
            "Lowest level of messages on standard error: \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "level"))
    var logLevel = Logger.Level.notice

    @Option(help: "Format of messages: text, or json (one object per line).")
    var logFormat = Format.text

    /// Sets up logging to standard error for the whole process. Call it once.
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
