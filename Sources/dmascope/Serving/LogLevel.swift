import ArgumentParser
import Logging

/// The level of messages, as an option.
struct LogLevel: ExpressibleByArgument {
    let level: Logger.Level

    init(level: Logger.Level) {
        self.level = level
    }

    init?(argument: String) {
        guard let level = Logger.Level(rawValue: argument) else { return nil }
        self.level = level
    }

    var defaultValueDescription: String { level.rawValue }

    static var help: String {
        Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
    }

    /// Sets up logging for the process, once: to standard error, from this level on.
    func bootstrap() -> Logger {
        LoggingSystem.bootstrap { [level] label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        return Logger(label: "dmascope")
    }
}
