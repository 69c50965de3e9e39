import ArgumentParser
import TelemetryClient
import TelemetryWire

/// How long to wait for a peer.
struct TimeoutOption: ParsableArguments {
    @Option(help: ArgumentHelp("Time limit for each answer of the target.", valueName: "seconds"))
    var timeout = 5.0

    func validate() throws {
        guard timeout > 0, timeout <= 86400 else {
            throw ValidationError("--timeout takes more than 0 and at most 86400 seconds")
        }
    }

    var duration: Duration { .seconds(timeout) }
}

/// Which process to query, and how long to wait for it.
struct PeerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Query the process with this DPDK file prefix; PREFIX:N is its instance N. The default is dmascope.",
            valueName: "prefix[:n]"))
    var filePrefix: String?

    @Option(help: ArgumentHelp("Query the process with this telemetry socket.", valueName: "path"))
    var socket: String?

    @OptionGroup var trustOptions: TrustOptions
    @OptionGroup var timeoutOption: TimeoutOption

    func validate() throws {
        guard filePrefix == nil || socket == nil else {
            throw ValidationError("--file-prefix and --socket exclude each other")
        }
    }

    /// Whether the command line names a process.
    var isGiven: Bool { filePrefix != nil || socket != nil }

    /// The process that the command line names, or the default.
    var target: Target { socket.map(Target.socket) ?? Target(prefix: filePrefix ?? "dmascope") }

    func connect() throws(Failure) -> Peer {
        try Peer(target, trust: trustOptions.trust, timeout: timeoutOption.duration)
    }
}

/// The address of a process with a telemetry socket.
enum Target: Sendable {
    case socket(String)
    case prefix(String, instance: Int?)

    /// `PREFIX` or `PREFIX:N`.
    init(prefix text: String) {
        if let colon = text.lastIndex(of: ":"), let instance = Int(text[text.index(after: colon)...]), instance >= 0 {
            self = .prefix(String(text[..<colon]), instance: instance)
        } else {
            self = .prefix(text, instance: nil)
        }
    }

    /// A user's argument: a socket's path if it contains a slash, else a file prefix.
    init(_ text: String) {
        self = text.contains("/") ? .socket(text) : Target(prefix: text)
    }
}
