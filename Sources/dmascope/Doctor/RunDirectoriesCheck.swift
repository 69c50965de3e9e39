import CommandSupport
import Glibc
import LinuxSystem
import TelemetryWire

extension DoctorCheck {
    /// The directories in which sockets are made and looked for.
    static let runDirectories = DoctorCheck(name: "run directories") { _ in
        TelemetryRunDirectory.candidates.enumerated().flatMap { number, directory in
            look(at: directory, isOwn: number == 0)
        }
    }

    private static func look(at directory: TelemetryRunDirectory, isOwn: Bool) -> [DoctorFinding] {
        let root = directory.root
        guard let status = Status(root, followsLinks: true) else {
            let error = String(cString: strerror(errno))
            return [
                isOwn
                    ? .init(
                        .problem, "\(root): \(error)",
                        advice: "make it, or set RUNTIME_DIRECTORY to a directory that you own")
                    : .init(.ok, "\(root): \(error); so no process has sockets there")
            ]
        }
        guard status.isDirectory else { return [.init(.problem, "\(root) is no directory")] }
        var findings: [DoctorFinding] = []
        let canWrite = access(root, W_OK | X_OK) == 0
        let exists = Status(directory.applications) != nil
        if isOwn, !canWrite, !exists {
            findings.append(
                .init(
                    .problem, "\(root): \(status), and this user cannot make directories in it",
                    advice: "set RUNTIME_DIRECTORY to a directory that you own, or run dmascope as its owner"))
        } else {
            findings.append(.init(.ok, "\(root): \(status)"))
        }
        for path in [directory.applications, root + "/dmascope"] {
            if let finding = look(atSockets: path, isOwn: isOwn) { findings.append(finding) }
        }
        return findings
    }

    /// A directory with sockets; `nil`: there is none.
    private static func look(atSockets path: String, isOwn: Bool) -> DoctorFinding? {
        guard let status = Status(path) else {
            return errno == ENOENT
                ? nil : .init(.unknown, "\(path): \(String(cString: strerror(errno)))", advice: "look as the superuser")
        }
        let refusal: String? =
            if !status.isDirectory {
                "is no directory, or a symbolic link"
            } else if status.mode & 0o022 != 0 {
                "can be written by group or others"
            } else if isOwn, status.user != geteuid(), status.user != 0 {
                "belongs to another user"
            } else {
                nil
            }
        if let refusal {
            return .init(
                isOwn ? .problem : .warning, "\(path): \(status); it \(refusal), so no server starts there",
                advice: "remove it, or change its owner and mode, and find out who made it")
        }
        guard access(path, R_OK | X_OK) == 0 else {
            return .init(
                .unknown, "\(path): \(status), which this user cannot read",
                advice: UserName.advice(for: status.user, "look"))
        }
        return .init(.ok, "\(path): \(status)")
    }

    /// Owner and mode of a file.
    private struct Status: CustomStringConvertible {
        let user: UInt32
        let mode: mode_t
        let isDirectory: Bool

        /// `nil`, with `errno`: it cannot be looked at.
        init?(_ path: String, followsLinks: Bool = false) {
            var status = stat()
            guard (followsLinks ? stat(path, &status) : lstat(path, &status)) == 0 else { return nil }
            user = status.st_uid
            mode = status.st_mode & 0o7777
            isDirectory = status.st_mode & S_IFMT == S_IFDIR
        }

        var description: String { "\(UserName.text(user)), mode \(String(mode, radix: 8))" }
    }
}
