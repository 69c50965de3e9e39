import ArgumentParser
import CommandSupport

/// A word of a command line that stands in the place of a subcommand and is none.
struct UnknownCommand {
    private let word: String
    private let parent: [String]
    private let names: [String]

    /// - Parameter arguments: those of the program, as `trace list`, or `help trace list`.
    init?(in arguments: some Collection<String>) {
        var command: any ParsableCommand.Type = Dmascope.self
        var path = ["dmascope"]
        for word in arguments.first == "help" ? arguments.dropFirst() : arguments.dropFirst(0) {
            let subcommands = command.configuration.subcommands
            if subcommands.isEmpty || word.hasPrefix("-") { return nil }
            guard let next = subcommands.first(where: { $0._commandName == word }) else {
                self.word = word
                parent = path
                names = subcommands.map { $0._commandName }
                return
            }
            command = next
            path.append(word)
        }
        return nil
    }

    /// What was wrong, and where to look.
    var message: String {
        "there is no command \((parent.dropFirst() + [word]).joined(separator: " "))"
            + "\(Suggestion.text(for: word, among: names)): see \(parent.joined(separator: " ")) --help"
    }
}
