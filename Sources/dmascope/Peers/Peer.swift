import TelemetryClient
import TelemetryWire

/// A process with a telemetry socket, dmascope's or DPDK's, and what can go wrong when it is asked.
final class Peer {
    private let client: TelemetryClient

    init(_ target: Target, timeout: Duration) throws(Failure) {
        do throws(TelemetryClientError) {
            switch target {
            case .socket(let path):
                client = try TelemetryClient(path: path, timeout: timeout)
            case .prefix(let prefix, let instance):
                client = try TelemetryClient(filePrefix: prefix, instance: instance, timeout: timeout)
            }
        } catch {
            throw Self.failure(error)
        }
    }

    /// The path of the peer's socket.
    var path: String { client.path }
    /// What it calls itself.
    var version: String { client.greeting.version }
    var pid: Int64 { client.greeting.pid }

    /// The reply's value; `nil` when it is null: the peer knows no such command, or does not like its parameters.
    func ask(_ request: String) throws(Failure) -> JSONTree? {
        do throws(TelemetryClientError) {
            let value = try client.request(request).tree
            return value == .null ? nil : value
        } catch {
            throw Self.failure(error)
        }
    }

    /// The reply's value, when `what` is missing at the peer otherwise.
    func demand(_ request: String, _ what: String) throws(Failure) -> JSONTree {
        guard let value = try ask(request) else { throw lacks(what, request) }
        return value
    }

    /// The whole reply as it came, and its value where it is valid JSON.
    func askForText(_ request: String) throws(Failure) -> (text: String, reply: JSONTree?) {
        do throws(TelemetryClientError) {
            let text = try client.requestText(request)
            return (text, (try? JSONValue(parsing: text))?.tree)
        } catch {
            throw Self.failure(error)
        }
    }

    /// The failure of a peer that answers a request with null.
    func lacks(_ what: String, _ request: String) -> Failure {
        Failure(
            "\(what): \(path) (\(version), pid \(pid)) answers \(request) with null; "
                + "`dmascope query \(path) /` lists its commands",
            status: .lacking)
    }

    private static func failure(_ error: TelemetryClientError) -> Failure {
        switch error.code {
        case .notFound, .refused:
            Failure("\(error.reason): start `dmascope serve`, or name a process that runs", status: .noPeer)
        case .permissionDenied:
            Failure("\(error.reason): ask as the user that the process belongs to")
        case .timedOut:
            Failure(
                "\(error.reason): look whether the process is stuck, or give it a longer --timeout", status: .timedOut)
        case .disconnected:
            Failure("\(error.reason): look whether the process still runs, then ask again", status: .noPeer)
        case .notTelemetry:
            Failure("\(error.reason): name another socket")
        case .invalidArgument, .tooLong:
            Failure("\(error.reason): change the target or the request", status: .usage)
        default:
            Failure("\(error.reason): ask the process for something else, or look at its log")
        }
    }
}
