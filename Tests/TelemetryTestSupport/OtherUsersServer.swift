import Foundation
public import TelemetryWire
public import TestSupport

/// A telemetry server of another user, in a process of its own. Only the superuser can start one.
public final class OtherUsersServer: Sendable {
    /// Why tests with such a server are skipped for other users.
    public static let needsSuperuser = "only the superuser becomes another user"
    /// The user; it needs no name.
    public static let user: UInt32 = 12345

    /// The path of the socket.
    public let path: String
    /// The run directory, which the user owns.
    public let runDirectory: TelemetryRunDirectory
    private let program: RunningProgram

    /// Starts a server with a file prefix below a directory of the user, which is made in `directory`.
    ///
    /// - Parameter reader: a user that may read it; `nil`: only its own and the superuser.
    public init(in directory: TemporaryDirectory, _ prefix: String = "other", reader: UInt32? = nil) throws {
        chmod(directory.path, 0o711)
        runDirectory = TelemetryRunDirectory(root: directory.file("of-other-user"))
        mkdir(runDirectory.root, 0o700)
        guard chown(runDirectory.root, Self.user, Self.user) == 0 else {
            throw TestSupportError("chown: \(String(cString: strerror(errno)))")
        }
        program = try RunningProgram(
            builtProduct("TelemetryTestServer"),
            [runDirectory.root, prefix, "-", "\(Self.user)"] + (reader.map { ["\($0)"] } ?? []))
        path = try program.nextLine()
        guard path.hasPrefix("/") else { throw TestSupportError("the server of another user says: \(path)") }
    }
}
