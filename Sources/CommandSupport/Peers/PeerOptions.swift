import ArgumentParser
import Glibc
import TelemetryClient
import TelemetryWire

/// How long to wait for a peer.
package struct TimeoutOption: ParsableArguments {
    @Option(help: ArgumentHelp("Time limit for each answer of the target.", valueName: "seconds"))
    package var timeout = 5.0

    package init() {}

    package func validate() throws {
        guard timeout > 0, timeout <= 86400 else {
            throw ValidationError("--timeout takes more than 0 and at most 86400 seconds")
        }
    }

    package var duration: Duration { .seconds(timeout) }
}

/// Which process to query, and how long to wait for it.
package struct PeerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Query the process with this DPDK file prefix; PREFIX:N is its instance N, DIRECTORY/PREFIX[:N] one in that "
                + "directory, GUEST/PREFIX[:N] one of that guest. The default is dmascope.",
            valueName: "prefix[:n]"))
    package var filePrefix: String?

    @Option(help: ArgumentHelp("Query the process with this telemetry socket.", valueName: "path"))
    package var socket: String?

    @OptionGroup package var trustOptions: TrustOptions
    @OptionGroup package var timeoutOption: TimeoutOption

    package init() {}

    package func validate() throws {
        guard filePrefix == nil || socket == nil else {
            throw ValidationError("--file-prefix and --socket exclude each other")
        }
    }

    /// Whether the command line names a process.
    package var isGiven: Bool { filePrefix != nil || socket != nil }

    /// The process that the command line names, or the default.
    package var target: Target { socket.map(Target.socket) ?? Target(filePrefix ?? "dmascope") }

    package func connect() throws(Failure) -> Peer {
        try Peer(target, trust: trustOptions.trust, timeout: timeoutOption.duration)
    }
}

/// The address of a process with a telemetry socket.
package enum Target: Sendable, CustomStringConvertible {
    case socket(String)
    case prefix(String, instance: Int?)
    /// The directory of a prefix.
    case directory(String, instance: Int?)

    /// What a user would write.
    package var description: String {
        switch self {
        case .socket(let path): path
        case .prefix(let name, let instance), .directory(let name, let instance):
            instance.map { "\(name):\($0)" } ?? name
        }
    }

    /// A user's argument: `PREFIX`, `GUEST/PREFIX`, the path of a prefix's directory, each with or without `:N`, or the path of
    /// a socket.
    package init(_ text: String) {
        var (name, instance) = (text, Int?.none)
        if let colon = text.lastIndex(of: ":"), let number = Int(text[text.index(after: colon)...]), number >= 0 {
            (name, instance) = (String(text[..<colon]), number)
        }
        if !name.contains("/") {
            self = .prefix(name, instance: instance)
        } else if let directory = ([name] + Self.directories(ofGuestsPrefix: name)).first(where: Self.isDirectory) {
            self = .directory(directory, instance: instance)
        } else {
            self = .socket(text)
        }
    }

    private static func directories(ofGuestsPrefix name: String) -> [String] {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, TelemetryRunDirectory.isValid(filePrefix: parts[1]) else { return [] }
        return TelemetryRunDirectory.candidates.map { $0.domain(parts[0]).directory(filePrefix: parts[1]) }
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
