import CommandSupport
import Glibc
import LinuxSystem
import SystemPackage
import TelemetryClient
import TelemetryWire

extension DoctorCheck {
    /// Sockets beyond this number are only counted.
    private static let mostSockets = 100

    /// The telemetry sockets and the control sockets: alive, dead, or closed to this user.
    static let sockets = DoctorCheck(name: "sockets") { request in
        let found = TelemetryDiscovery.search()
        var findings = found.unreadable.map { _, reason in
            DoctorFinding(.unknown, reason.reason, advice: UserName.advice(for: reason.user, "look"))
        }
        findings += found.sources.prefix(mostSockets).map { look(at: $0.path, request.trust) }
        if found.sources.count > mostSockets {
            findings.append(.init(.unknown, "\(found.sources.count - mostSockets) more telemetry sockets"))
        }
        findings += TelemetryRunDirectory.candidates.flatMap(controlSockets)
        return findings.isEmpty
            ? [.init(.ok, "none: no process with DMA devices", advice: "start `dmascope serve` or a DPDK application")]
            : findings
    }

    private static func look(at path: String, _ trust: TelemetryTrust) -> DoctorFinding {
        if let refusal = trust.refusal(ofDirectory: TelemetryTrust.directory(of: path)) {
            return .init(
                .unknown, refusal.reason, advice: "add --trust-user \(refusal.user.map { "\($0)" } ?? "USER")")
        }
        if let finding = unconnected(path) { return finding }
        do throws(TelemetryClientError) {
            let greeting = try TelemetryClient(path: path, trust: trust, timeout: .seconds(1)).greeting
            let seen = "\(path): \(greeting.version), pid \(greeting.pid), answers"
            let isOther = greeting.version.hasPrefix("dmascope ") && greeting.version != DmascopeVersion.text
            return isOther
                ? .init(.warning, seen, advice: "this is \(DmascopeVersion.text): start that process again with it")
                : .init(.ok, seen)
        } catch {
            return switch error.code {
            case .timedOut:
                .init(
                    .problem, "\(path): its process does not answer",
                    advice: "the process hangs or is stopped: look at it with `dmascope ps`, end it, or continue it")
            case .disconnected:
                .init(
                    .unknown, "\(path): its process disconnects this user",
                    advice: "give a group of this user a right there: --allow GROUP:read")
            case .untrusted:
                .init(.unknown, error.reason, advice: "add --trust-user \(error.user.map { "\($0)" } ?? "USER")")
            default: .init(.warning, error.reason)
            }
        }
    }

    private static func controlSockets(in directory: TelemetryRunDirectory) -> [DoctorFinding] {
        let folder = directory.root + "/dmascope"
        let names = (try? ProcFile.names(in: folder, atMost: 1000)) ?? []
        return names.filter { $0.contains(".control") && !$0.hasSuffix(".lock") }.sorted().prefix(mostSockets).map {
            let path = "\(folder)/\($0)"
            return unconnected(path) ?? .init(.ok, "\(path): a controller listens")
        }
    }

    /// What keeps from connecting to a socket; `nil`: nothing.
    private static func unconnected(_ path: String) -> DoctorFinding? {
        switch SequencedPacketSocket.probe(path) {
        case nil, .resourceTemporarilyUnavailable?: nil
        case .connectionRefused?:
            .init(
                .warning, "\(path): dead, its process was killed",
                advice: "nothing, the next process in this place replaces it; or remove the file")
        case .permissionDenied?, .notPermitted?:
            .init(
                .unknown, "\(path): this user may not connect",
                advice: UserName.advice(for: TelemetryTrust.owner(of: path), "look"))
        case let error?: .init(.warning, "\(path): \(error)")
        }
    }
}
