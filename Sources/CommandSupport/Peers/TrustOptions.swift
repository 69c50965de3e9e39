import ArgumentParser
import LinuxSystem
import TelemetryClient

/// The users whose telemetry sockets a command reads.
package struct TrustOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Also read telemetry sockets of this user, by name or number, or of any user; may be repeated. Otherwise "
                + "only sockets of the superuser and of the user who runs the command are read; if the superuser runs it, "
                + "no others. The owner of the socket's directory and the user of its process both count; if --socket "
                + "names the path exactly, only the latter.",
            valueName: "user|any"))
    var trustUser: [String] = []

    package init() {}

    package func validate() throws {
        for text in trustUser where text != "any" && Self.number(of: text) == nil {
            throw ValidationError(
                "--trust-user takes the name or number of a user, or any; there is no user \(text)")
        }
    }

    package var trust: TelemetryTrust {
        trustUser.contains("any") ? .everyone : TelemetryTrust(users: Set(trustUser.compactMap(Self.number)))
    }

    /// The number of a user given by name or number; a number need not have a name.
    private static func number(of text: String) -> UInt32? {
        // The highest number means no user.
        UserName.number(text) ?? UInt32(text).flatMap { $0 == .max ? nil : $0 }
    }
}
