import CommandSupport
import TelemetryClient
import TelemetryWire
import WebServer

/// What the command line says.
struct DoctorRequest {
    /// `nil`: no HTTP.
    let listen: ListenAddress?
    let trust: TelemetryTrust
}

/// One thing that `doctor` looks at. A new one is a file in this folder and a row here.
struct DoctorCheck: Sendable {
    let name: String
    /// Looks, and changes nothing. At least one finding.
    let look: @Sendable (DoctorRequest) -> [DoctorFinding]

    static let table: [DoctorCheck] = [
        .versions, .runDirectories, .sockets, .rights, .traceObject, .sessionDaemon, .sharedMemory, .hugePages,
        .missingPages, .address, .limits,
    ]
}

/// What a check has seen.
struct DoctorFinding: Equatable {
    /// How good it is.
    enum State: String {
        /// As it should be.
        case ok
        /// Something does not work, or not well.
        case warning
        /// `dmascope serve`, or its processes, cannot work.
        case problem
        /// This user cannot look.
        case unknown
    }

    let state: State
    let seen: String
    /// What to do; `nil`: nothing.
    let advice: String?

    init(_ state: State, _ seen: String, advice: String? = nil) {
        self.state = state
        self.seen = seen
        self.advice = advice
    }

    func json(check: String) -> JSONTree {
        .object([
            JSONTree.Member("check", .string(check)), JSONTree.Member("state", .string(state.rawValue)),
            JSONTree.Member("seen", .string(seen)), JSONTree.Member("advice", advice.map(JSONTree.string) ?? .null),
        ])
    }

    /// One line, and a second one for the advice.
    func text(check: String, nameWidth: Int) -> String {
        func padded(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(width - text.count, 0))
        }
        let start = "\(padded(state.rawValue, 7))  \(padded(check, nameWidth))  "
        let rest = advice.map {
            "\n" + String(repeating: " ", count: start.count) + "→ " + StandardStreams.printable($0)
        }
        return start + StandardStreams.printable(seen) + (rest ?? "")
    }
}
