/// How the program ends: the one table, which help shows.
enum ExitStatus: Int32, CaseIterable {
    case success = 0
    case failure = 1
    case noPeer = 3
    case lacking = 4
    case timedOut = 5
    case different = 6
    case usage = 64
    case interrupted = 130
    case terminated = 143

    /// What it means, for people.
    var meaning: String {
        switch self {
        case .success: "all is well"
        case .failure: "a file, a device or the system refused something"
        case .noPeer: "nothing answers at the target, or it has gone"
        case .lacking: "the target answers, but has no such command, device or channel"
        case .timedOut: "the target did not answer in time"
        case .different: "bytes that were copied or filled are not what they should be"
        case .usage: "the command line is wrong"
        case .interrupted: "a copy, a measurement or a demonstration was given up at SIGINT (Ctrl-C)"
        case .terminated: "the same at SIGTERM"
        }
    }

    /// The table, for people.
    static var help: String {
        allCases.map { status in
            let number = "\(status.rawValue)"
            return "  \(number)\(String(repeating: " ", count: 5 - number.count))\(status.meaning)"
        }.joined(separator: "\n")
    }
}

/// Why the program ends early: one line, of the form "what was wrong: what to do next". An empty one is not shown.
struct Failure: Error {
    let status: ExitStatus
    let message: String

    init(_ message: String, status: ExitStatus = .failure) {
        self.status = status
        self.message = message
    }
}
