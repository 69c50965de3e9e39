import LinuxSystem
import TelemetryClient
import TelemetryWire

/// A connection to a process with a telemetry socket, dmascope's or DPDK's. Errors become ``Failure`` with advice.
package final class Peer {
    private let client: TelemetryClient

    package init(_ target: Target, trust: TelemetryTrust = TelemetryTrust(), timeout: Duration) throws(Failure) {
        do throws(TelemetryClientError) {
            switch target {
            case .socket(let path):
                client = try TelemetryClient(path: path, trust: trust, timeout: timeout)
            case .prefix(let prefix, let instance):
                client = try TelemetryClient(
                    filePrefix: prefix, instance: instance, trust: trust, timeout: timeout)
            case .directory(let directory, let instance):
                client = try TelemetryClient(
                    directories: [directory], instance: instance, trust: trust, timeout: timeout)
            }
        } catch {
            let failure = Self.failure(error)
            guard error.code == .notFound else { throw failure }
            throw Failure(failure.message + ProcessSurvey.running(trust, like: target), status: failure.status)
        }
    }

    /// The path of the peer's socket.
    package var path: String { client.path }
    /// The version in the peer's greeting, as `DPDK 26.11.0`.
    package var version: String { client.greeting.version }
    package var pid: Int64 { client.greeting.pid }

    /// The reply's value; `nil` if it is null: the peer does not have the command, or rejects its parameters.
    package func request(_ request: String) throws(Failure) -> JSONTree? {
        do throws(TelemetryClientError) {
            let value = try client.request(request).tree
            return value == .null ? nil : value
        } catch {
            throw Self.failure(error)
        }
    }

    /// The reply's value; throws a ``Failure`` that begins with `what` if it is null.
    package func require(_ request: String, _ what: String) throws(Failure) -> JSONTree {
        guard let value = try self.request(request) else { throw missing(what, request) }
        return value
    }

    /// The unchanged reply, and its value if it is valid JSON.
    package func requestText(_ request: String) throws(Failure) -> (text: String, reply: JSONTree?) {
        do throws(TelemetryClientError) {
            let text = try client.requestText(request)
            return (text, (try? JSONValue(parsing: text))?.tree)
        } catch {
            throw Self.failure(error)
        }
    }

    /// The failure of a peer that answers a request with null.
    package func missing(_ what: String, _ request: String) -> Failure {
        Failure(
            "\(what): \(path) (\(version), pid \(pid)) answers \(request) with null; "
                + "`dmascope query \(path) /` lists its commands",
            status: .missing)
    }

    private static func failure(_ error: TelemetryClientError) -> Failure {
        switch error.code {
        case .notFound:
            Failure("\(error.reason): start `dmascope serve`, or choose a running process", status: .noPeer)
        case .refused:
            Failure(
                "\(error.reason): the process of this socket has ended without removing it; start that application "
                    + "again, or choose a running process", status: .noPeer)
        case .permissionDenied, .unreadable:
            Failure("\(error.reason): \(UserName.advice(for: error.user, "run this command"))")
        case .untrusted:
            Failure("\(error.reason): add --trust-user \(error.user.map { "\($0)" } ?? "USER") if you trust that user")
        case .timedOut:
            Failure(
                "\(error.reason): check whether the process hangs, or use a longer --timeout", status: .timedOut)
        case .disconnected:
            Failure(
                "\(error.reason): check whether the process still runs and gives this user a right, then try again",
                status: .noPeer)
        case .notTelemetry:
            Failure("\(error.reason): choose another socket")
        case .invalidArgument, .tooLong:
            Failure("\(error.reason): change the target or the request", status: .usage)
        default:
            Failure("\(error.reason): try another command, or read the log of the process")
        }
    }
}
