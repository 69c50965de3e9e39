/// What the keys of the live table do. A new one is a row in ``all``, and a case of ``Action``.
struct TopCommand: Sendable {
    enum Action {
        case quit, suspend, help, pause, sort, reverse, filter, clearFilter, toggleAll, slower, faster, down, up,
            pageDown,
            pageUp, first, last
    }

    let action: Action
    let keys: [TopKey]
    /// The keys in a user's words.
    let title: String
    let meaning: String

    static let all: [TopCommand] = [
        TopCommand(.quit, [.character("q"), .character("Q"), .character("\u{3}")], "q, Ctrl-C", "end"),
        TopCommand(.help, [.character("?"), .character("h")], "?, h", "show the keys and columns, or the table again"),
        TopCommand(.down, [.down, .character("j")], "down, j", "scroll by a row; also up, k"),
        TopCommand(.up, [.up, .character("k")], nil, ""),
        TopCommand(.pageDown, [.pageDown, .character("\u{6}")], "page down", "scroll by a page; also page up"),
        TopCommand(.pageUp, [.pageUp, .character("\u{2}")], nil, ""),
        TopCommand(.first, [.home, .character("g")], "home, g", "the first row"),
        TopCommand(.last, [.end, .character("G")], "end, G", "the last row"),
        TopCommand(
            .filter, [.character("/")], "/", "show only rows with a text, as a name or a state; Enter ends the text"),
        TopCommand(.clearFilter, [.escape], "Esc", "show all rows again"),
        TopCommand(.sort, [.character("s")], "s", "sort by the next column; trouble stays first"),
        TopCommand(.reverse, [.character("r")], "r", "reverse the order"),
        TopCommand(.toggleAll, [.character("a")], "a", "show every process, or only the target again"),
        TopCommand(.pause, [.character("p"), .character(" ")], "p, space", "pause, or continue"),
        TopCommand(.slower, [.character("+")], "+", "make the time between readings longer"),
        TopCommand(.faster, [.character("-")], "-", "make it shorter"),
        TopCommand(.suspend, [.character("\u{1A}")], "Ctrl-Z", "return to the shell, until fg"),
    ]

    /// - Parameter title: `nil`: another row explains the keys.
    private init(_ action: Action, _ keys: [TopKey], _ title: String?, _ meaning: String) {
        self.action = action
        self.keys = keys
        self.title = title ?? ""
        self.meaning = meaning
    }

    /// The action of a key.
    static func action(of key: TopKey) -> Action? { all.first { $0.keys.contains(key) }?.action }

    /// A line for each key: the help of the table, and of the command.
    static let help: [String] = {
        let rows = all.filter { !$0.title.isEmpty }
        let width = rows.map(\.title.count).max() ?? 0
        return rows.map { "  \($0.title)\(String(repeating: " ", count: width - $0.title.count))  \($0.meaning)" }
    }()
}
