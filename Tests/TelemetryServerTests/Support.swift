import Synchronization
import TelemetryServer
import TelemetryTestSupport
import TelemetryWire
import TestSupport

/// A server of its own for one test, with a client's view of it.
struct TestServer {
    let directory: TemporaryDirectory
    let server: TelemetryServer

    init(
        _ commands: [TelemetryCommand] = [], prefix: String = "t",
        configuration: TelemetryServer.Configuration = TelemetryServer.Configuration()
    ) throws {
        directory = try TemporaryDirectory()
        server = try TelemetryServer.start(
            filePrefix: prefix, commands: commands, in: directory.runDirectory, configuration: configuration)
    }

    var path: String { server.path }

    /// A client, which keeps the server alive.
    func connect() throws -> RawClient {
        let client = try RawClient.greeted(path)
        client.companion = server
        return client
    }

    /// The value of a reply, asked for by a new client.
    func value(_ request: String) throws -> JSONTree? {
        try connect().value(request)
    }
}

extension RawClient {
    /// The value of a reply; `nil` when there is none or it is not one object with one member.
    func value(_ request: String) -> JSONTree? {
        ask(request).flatMap { try? JSONValue(parsing: $0).soleMember()?.tree }
    }
}

extension TelemetryCommand {
    /// Answers with a string of so many bytes.
    static func text(_ path: String, length: Int) -> TelemetryCommand {
        TelemetryCommand(path: path, help: "Returns \(length) bytes.") { _ in
            JSONValue(String(repeating: "x", count: length))
        }
    }
}

/// A server that its own handler can reach.
final class Holder: Sendable {
    let server = Mutex<TelemetryServer?>(nil)
}

/// Failures seen by several threads.
final class Failures: Sendable {
    private let messages = Mutex<[String]>([])

    var all: [String] { messages.withLock { $0 } }

    func add(_ message: String) { messages.withLock { $0.append(message) } }
}
