import TelemetryWire

/// A command in the server's table: one of the server's own, which reads the server's state, or one that was passed to
/// it.
struct ServerCommand: Sendable {
    typealias Handler = @Sendable (ServerState, TelemetryRequest) throws(TelemetryCommandError) -> JSONValue

    let path: String
    let help: String
    let parameters: [TelemetryParameter]
    let right: TelemetryRight
    let generation: (@Sendable () -> UInt64)?
    let refresh: (@Sendable (TelemetryRequest) throws(TelemetryCommandError) -> TelemetryCommand.Refresh)?
    let handler: Handler

    init(
        path: String, help: String, parameters: [TelemetryParameter] = [], isConstant: Bool = false,
        handler: @escaping Handler
    ) {
        self.path = path
        self.help = help
        self.parameters = parameters
        right = .read
        if isConstant {
            self.generation = { 0 }
        } else {
            self.generation = nil
        }
        refresh = nil
        self.handler = handler
    }

    init(_ command: TelemetryCommand) {
        path = command.path
        help = command.help
        parameters = command.parameters
        right = command.right
        // A cached reply is sent without looking at rights, and without running the command.
        generation = command.right == .read ? command.generation : nil
        refresh = command.refresh
        let run = command.handler
        handler = { (_, request) throws(TelemetryCommandError) in try run(request) }
    }
}

/// All commands of a server, sorted by path as DPDK lists them.
struct CommandTable: Sendable {
    let commands: [ServerCommand]
    private let indices: [String: Int]

    /// The server's own commands; a new one is a file in `Commands` and a row here.
    static let ownCommands: [ServerCommand] = [
        .list, .info, .help, .clients, .statistics, .errors, .ethernetPorts, .logicalCores,
    ]

    /// Adds a table of commands to the server's own.
    init(_ table: [TelemetryCommand]) throws(TelemetryServerError) {
        var commands = Self.ownCommands
        for command in table {
            try Self.check(command.path)
            commands.append(ServerCommand(command))
        }
        commands.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        var indices: [String: Int] = [:]
        for (index, command) in commands.enumerated() {
            guard indices.updateValue(index, forKey: command.path) == nil else {
                throw TelemetryServerError(.invalidCommand, "the command \(command.path) exists twice")
            }
        }
        self.commands = commands
        self.indices = indices
    }

    func index(of path: String) -> Int? { indices[path] }

    func command(_ path: String) -> ServerCommand? { indices[path].map { commands[$0] } }

    private static func check(_ path: String) throws(TelemetryServerError) {
        let bytes = path.utf8
        guard bytes.first == UInt8(ascii: "/"), bytes.count < TelemetryRequest.maximumKeyLength,
            !bytes.contains(where: { $0 == UInt8(ascii: ",") || $0 == 0 })
        else {
            throw TelemetryServerError(
                .invalidCommand,
                "\"\(path)\" is not a valid command: it must begin with a slash, contain no comma, and have less than "
                    + "\(TelemetryRequest.maximumKeyLength) bytes")
        }
    }
}
