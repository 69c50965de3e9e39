/// The exit statuses; the help text shows this table.
package enum ExitStatus: Int32, CaseIterable {
    case success = 0
    case failure = 1
    case noPeer = 3
    case missing = 4
    case timedOut = 5
    case different = 6
    case inconclusive = 7
    case usage = 64
    case interrupted = 130
    case terminated = 143

    /// The description in the help text.
    var meaning: String {
        switch self {
        case .success: "success"
        case .failure: "a file, a device or the system reported an error"
        case .noPeer: "no process answers at the target, or it has ended"
        case .missing: "the target answers, but has no such command, device or channel"
        case .timedOut: "the target did not answer in time"
        case .different: "copied or filled bytes are wrong, or the counters of an audit"
        case .inconclusive: "an audit has no result, because the trace is not complete"
        case .usage: "the command line is wrong"
        case .interrupted: "SIGINT (Ctrl-C) interrupted copy, bench, demo, audit, trace report or export"
        case .terminated: "the same by SIGTERM, SIGHUP or SIGQUIT"
        }
    }

    /// The table in the help text.
    package static var help: String {
        let own = allCases.map { ("\($0.rawValue)", $0.meaning) }
        let ofPrograms = [
            ("126", "stat or trace record cannot run the program"),
            ("127", "stat or trace record does not find the program"),
            ("128+N", "signal N has ended the program; else the status is the program's"),
        ]
        return (own + ofPrograms).map { number, meaning in
            "  \(number)\(String(repeating: " ", count: 7 - number.count))\(meaning)"
        }.joined(separator: "\n")
    }
}

/// An error that ends the program. The message is one line, "what was wrong: what to do next"; an empty one is not
/// printed.
package struct Failure: Error {
    package let status: ExitStatus
    package let message: String

    package init(_ message: String, status: ExitStatus = .failure) {
        self.status = status
        self.message = message
    }
}
