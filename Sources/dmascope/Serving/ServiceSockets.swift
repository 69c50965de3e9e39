import CommandSupport
import LinuxSystem
import TelemetryWire
import WebServer

/// The sockets that a service manager has opened for this service (`LISTEN_FDS`), by what they are for.
///
/// That is the name of the descriptor (`FileDescriptorName=telemetry`, `control` or `http`); without one of these, the kind of
/// socket and its path.
struct ServiceSockets: ~Copyable {
    private var telemetry: ListeningSocket?
    private var control: ListeningSocket?
    private var http: HTTPSocket?

    /// The socket of HTTP and its address.
    struct HTTPSocket: ~Copyable {
        let address: ListenAddress
        let socket: InheritedSocket

        consuming func takeSocket() -> InheritedSocket { socket }
    }

    /// Takes them over. Call it before anything is opened.
    init() throws(Failure) {
        try InheritedSocket.forEach { (socket) throws(Failure) in try add(socket) }
    }

    mutating func takeTelemetry() -> ListeningSocket? { telemetry.take() }
    mutating func takeControl() -> ListeningSocket? { control.take() }
    mutating func takeHTTP() -> HTTPSocket? { http.take() }

    /// Fails if one is left that nothing has taken: its clients would wait for ever.
    func requireAllTaken(by program: String) throws(Failure) {
        let left = [("telemetry", telemetry != nil), ("control", control != nil), ("http", http != nil)].filter(\.1)
        guard let first = left.first else { return }
        throw Failure("\(program) does not use the socket \(first.0) of the service manager: remove it from the unit")
    }

    private mutating func add(_ socket: consuming InheritedSocket) throws(Failure) {
        let name = socket.name ?? ""
        let text = name.isEmpty ? "a socket of the service manager" : "the socket \(name) of the service manager"
        switch (name, socket.kind) {
        case ("telemetry", .packets): telemetry = try Self.listening(socket, telemetry == nil, text)
        case ("control", .packets): control = try Self.listening(socket, control == nil, text)
        case (_, .packets(let path)) where !["telemetry", "control", "http"].contains(name):
            let file = path.split(separator: "/").last.map(String.init) ?? ""
            if TelemetryRunDirectory.instance(ofSocketName: file) != nil {
                telemetry = try Self.listening(socket, telemetry == nil, text)
            } else if file.contains(".control") {
                control = try Self.listening(socket, control == nil, text)
            } else {
                throw Failure("\(text), \(path), is of no known kind: set FileDescriptorName=telemetry or control")
            }
        case (_, .stream(let path)) where !["telemetry", "control"].contains(name):
            guard http == nil else { throw Failure("\(text) is a second one for HTTP: a service has one") }
            http = HTTPSocket(address: .unix(path: path), socket: socket)
        case (_, .tcp(let port)) where !["telemetry", "control"].contains(name):
            guard http == nil else { throw Failure("\(text) is a second one for HTTP: a service has one") }
            http = HTTPSocket(address: .tcp(host: ListenAddress.everyHost, port: port), socket: socket)
        default:
            throw Failure(
                "\(text) cannot be used: telemetry and control are listening SOCK_SEQPACKET sockets "
                    + "(ListenSequentialPacket=), http is a listening stream (ListenStream=)")
        }
    }

    private static func listening(
        _ socket: consuming InheritedSocket, _ isFirst: Bool, _ text: String
    ) throws(Failure) -> ListeningSocket {
        guard isFirst else { throw Failure("\(text) is a second one of its kind: a service has one") }
        do throws(SocketFile.Failure) {
            return try ListeningSocket(socket)
        } catch {
            throw Failure(error.description)
        }
    }
}
