// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
public import CDMADev
internal import DMADev
internal import DMATelemetry
internal import Glibc
internal import LinuxSystem
internal import SystemPackage
internal import TelemetryServer
internal import TelemetryWire

// The functions of dmadev_telemetry.h. Their documentation is there.

/// The telemetry server of the process. It does not need ``Library``, so that a program can add commands before
/// `DMADEV_TELEMETRY` starts the server.
final class Telemetry: Sendable {
    static let shared = Telemetry()

    private struct State {
        var commands: [TelemetryCommand] = []
        var server: TelemetryServer?
    }

    private let state = Locked(State())

    func register(_ command: TelemetryCommand) throws(DMAError) {
        let path = command.path
        guard path.hasPrefix("/"), !path.contains(","), path.utf8.count < TelemetryRequest.maximumKeyLength else {
            throw invalid(
                "\"\(path)\" is no command: it must begin with a slash, contain no comma, and have less than "
                    + "\(TelemetryRequest.maximumKeyLength) bytes")
        }
        try state.withLock { state throws(DMAError) in
            guard state.server == nil else {
                throw DMAError(.busy, .resourceBusy, "add \(path) before the telemetry server is started")
            }
            guard !state.commands.contains(where: { $0.path == path }) else {
                throw DMAError(.exists, .fileExists, "the command \(path) exists already")
            }
            state.commands.append(command)
        }
    }

    func start(name: String, _ registry: DeviceRegistry) throws(DMAError) {
        try state.withLock { state throws(DMAError) in
            guard state.server == nil else {
                throw DMAError(.exists, Errno(rawValue: EALREADY), "the telemetry server runs already")
            }
            do throws(TelemetryServerError) {
                state.server = try TelemetryServer.start(
                    filePrefix: name, commands: DeviceCommands.table(for: registry) + state.commands)
            } catch {
                throw DMAError(.system, error.errno ?? .invalidArgument, error.reason)
            }
        }
    }

    func stop() {
        // Stopped after the lock: a handler may call the library.
        state.withLock { state in
            defer { state.server = nil }
            return state.server
        }?.stop()
    }

    var path: String? { state.withLock { $0.server?.path } }
}

/// A reply that a C handler builds.
private final class Reply {
    static let maximumDepth = 32

    private struct Container {
        var name: String
        var isList: Bool
        var members: [JSONTree.Member] = []

        var tree: JSONTree { isList ? .array(members.map(\.value)) : .object(members) }
    }

    private var open = [Container(name: "", isList: false)]

    func add(_ name: UnsafePointer<CChar>?, _ value: JSONTree) throws(DMAError) {
        open[open.count - 1].members.append(JSONTree.Member(try memberName(name), value))
    }

    func begin(_ name: UnsafePointer<CChar>?, isList: Bool) throws(DMAError) {
        let name = try memberName(name)
        guard open.count <= Self.maximumDepth else {
            throw DMAError(
                .exhausted, Errno(rawValue: E2BIG), "more than \(Self.maximumDepth) objects and lists are open")
        }
        open.append(Container(name: name, isList: isList))
    }

    func end() throws(DMAError) {
        guard open.count > 1, let ended = open.popLast() else { throw invalid("no object or list is open") }
        open[open.count - 1].members.append(JSONTree.Member(ended.name, ended.tree))
    }

    /// The whole reply; ends what is open.
    func finish() -> JSONTree {
        while open.count > 1 { try? end() }
        return open[0].tree
    }

    private func memberName(_ name: UnsafePointer<CChar>?) throws(DMAError) -> String {
        if open[open.count - 1].isList { return "" }
        return String(cString: try required(name, "name"))
    }
}

extension TelemetryCommand {
    /// A command of a C program.
    fileprivate init(
        _ path: String, help: String, _ handler: @escaping dmadev_telemetry_handler_t,
        _ argument: UnsafeMutableRawPointer?
    ) {
        let argument = UInt(bitPattern: argument)
        self.init(path: path, help: help) { (request) throws(TelemetryCommandError) in
            let reply = Reply()
            let data = OpaquePointer(Unmanaged.passUnretained(reply).toOpaque())
            let result = withExtendedLifetime(reply) {
                call(handler, request, data, UnsafeMutableRawPointer(bitPattern: argument))
            }
            guard result >= 0 else {
                throw TelemetryCommandError("the handler of \(path) failed: \(Errno(rawValue: -result))")
            }
            return JSONValue(reply.finish())
        }
    }
}

private func call(
    _ handler: dmadev_telemetry_handler_t, _ request: TelemetryRequest, _ data: OpaquePointer,
    _ argument: UnsafeMutableRawPointer?
) -> Int32 {
    request.command.withCString { command in
        guard let parameters = request.parameters else { return handler(command, nil, data, argument) }
        return parameters.withCString { handler(command, $0, data, argument) }
    }
}

/// Changes the reply of a handler that runs.
private func onReply(_ data: OpaquePointer?, _ body: (Reply) throws(DMAError) -> Void) -> Int32 {
    outcome { () throws(DMAError) in
        // The handler has it from `TelemetryCommand.init` above, which keeps it.
        let reply = Unmanaged<Reply>.fromOpaque(UnsafeRawPointer(try required(data, "data")))
        try body(reply.takeUnretainedValue())
    }
}

@c @implementation
public func dmadev_telemetry_start(_ name: UnsafePointer<CChar>!) -> Int32 {
    outcome { library throws(DMAError) in
        try Telemetry.shared.start(name: name.map { String(cString: $0) } ?? "dmadev", library.registry)
    }
}

@c @implementation
public func dmadev_telemetry_stop() { value { Telemetry.shared.stop() } }

@c @implementation
public func dmadev_telemetry_path() -> UnsafePointer<CChar>! {
    value { Telemetry.shared.path.flatMap { ConstantTexts.shared.pointer($0) } }
}

@c @implementation
public func dmadev_telemetry_register(
    _ command: UnsafePointer<CChar>!, _ help: UnsafePointer<CChar>!, _ handler: dmadev_telemetry_handler_t!,
    _ arg: UnsafeMutableRawPointer!
) -> Int32 {
    outcome { () throws(DMAError) in
        try Telemetry.shared.register(
            TelemetryCommand(
                String(cString: try required(command, "command")), help: String(cString: try required(help, "help")),
                try required(handler, "handler"), arg))
    }
}

@c @implementation
public func dmadev_telemetry_add_string(
    _ data: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ value: UnsafePointer<CChar>!
) -> Int32 {
    onReply(data) { reply throws(DMAError) in
        try reply.add(name, .string(String(cString: try required(value, "value"))))
    }
}

@c @implementation
public func dmadev_telemetry_add_int(_ data: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ value: Int64) -> Int32 {
    onReply(data) { reply throws(DMAError) in try reply.add(name, .integer(value)) }
}

@c @implementation
public func dmadev_telemetry_add_uint(_ data: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ value: UInt64) -> Int32 {
    onReply(data) { reply throws(DMAError) in
        try reply.add(name, Int64(exactly: value).map { .integer($0) } ?? .unsigned(value))
    }
}

@c @implementation
public func dmadev_telemetry_add_bool(_ data: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ value: Bool) -> Int32 {
    onReply(data) { reply throws(DMAError) in try reply.add(name, .bool(value)) }
}

@c @implementation
public func dmadev_telemetry_begin_object(_ data: OpaquePointer!, _ name: UnsafePointer<CChar>!) -> Int32 {
    onReply(data) { reply throws(DMAError) in try reply.begin(name, isList: false) }
}

@c @implementation
public func dmadev_telemetry_begin_list(_ data: OpaquePointer!, _ name: UnsafePointer<CChar>!) -> Int32 {
    onReply(data) { reply throws(DMAError) in try reply.begin(name, isList: true) }
}

@c @implementation
public func dmadev_telemetry_end(_ data: OpaquePointer!) -> Int32 {
    onReply(data) { reply throws(DMAError) in try reply.end() }
}
