import LinuxSystem
import Logging
import TelemetryWire

/// Commands that need more than the right to read: each use is counted and logged, whether it was permitted or not.
extension ServerLoop {
    /// Checks the right of a client before a command runs.
    func usePrivilege(of command: ServerCommand, _ client: ClientConnection) throws(TelemetryCommandError) {
        let isPermitted = client.right >= command.right
        if let suppressed = privilegeLog.admit(client.peer.uid, command.path, isPermitted: isPermitted) {
            logger.notice(
                isPermitted ? "a client used a right" : "a client has no right to a command",
                metadata: [
                    "command": "\(command.path)", "right": "\(command.right)", "pid": "\(client.peer.pid)",
                    "uid": "\(client.peer.uid)", "suppressed": "\(suppressed)",
                ])
        }
        guard isPermitted else {
            throw TelemetryCommandError(
                "\(command.path) needs the right \(command.right); user \(client.peer.uid) has \(client.right)")
        }
        client.privilegedCount &+= 1
        state.statistics.privileged[command.right, default: 0] &+= 1
    }
}

/// Limits messages separately for each user and command, so that no user can hide what another one does.
struct PrivilegeLog {
    private struct Key: Hashable {
        let user: UInt32
        let path: String
        let isPermitted: Bool
    }

    /// Few users have rights, and few commands need more than to read.
    private static let capacity = 256

    private var limiters: [Key: LogRateLimiter] = [:]
    private var others = LogRateLimiter()

    /// As ``LogRateLimiter/admit(at:)``.
    mutating func admit(_ user: UInt32, _ path: String, isPermitted: Bool, at now: MonotonicTime = .now) -> UInt64? {
        let key = Key(user: user, path: path, isPermitted: isPermitted)
        guard limiters.count < Self.capacity || limiters[key] != nil else { return others.admit(at: now) }
        return limiters[key, default: LogRateLimiter()].admit(at: now)
    }
}
