import ArgumentParser
import CommandSupport
import Glibc
import TelemetryServer
import TelemetryWire

/// Who may use the sockets of `serve`, and for what: a group and a mode for each, and rights on the telemetry socket.
struct RightsOptions: ParsableArguments {
    /// The group that may read the telemetry without an option, as the user of the name.
    static let monitor = "dmascope-monitor"

    @Option(
        help: ArgumentHelp(
            "The group of the telemetry socket and its directories, by name or number: its users can connect, and need a "
                + "right for it: --allow, or the group dmascope-monitor, which may read.", valueName: "group"))
    var telemetryGroup: String?

    @Option(
        help: ArgumentHelp(
            "The mode of the telemetry socket, in octal. The default is 600, and 660 with --telemetry-group.",
            valueName: "mode"))
    var telemetryMode: FileMode?

    @Option(
        help: ArgumentHelp(
            "What the users of a group may do at the telemetry socket: read; reset counters, too; or control, which "
                + "includes both (faults); may be repeated. This user and the superuser may do all; user and group "
                + "dmascope-monitor may read.", valueName: "group:right"))
    var allow: [RightGrant] = []

    @Option(
        help: ArgumentHelp(
            "The mode of the controller's socket, in octal: connecting needs read and write. The default is 660.",
            valueName: "mode"))
    var controllerMode: FileMode?

    func validate() throws {
        try GroupName.check(telemetryGroup, of: "--telemetry-group")
    }

    /// Who may use the telemetry server.
    var telemetryAccess: TelemetryAccess {
        var rights: [TelemetryAccess.Holder: TelemetryRight] = [:]
        if let group = GroupName.number(Self.monitor) { rights[.group(group)] = .read }
        for grant in allow { rights[.group(grant.group)] = max(rights[.group(grant.group)] ?? .read, grant.right) }
        return TelemetryAccess(
            rights: rights, socketMode: Self.mode(telemetryMode, telemetryGroup),
            socketGroup: telemetryGroup.flatMap(GroupName.number))
    }

    /// The mode of the controller's socket.
    var controllerSocketMode: UInt16 { controllerMode.map { UInt16($0.bits) } ?? 0o660 }

    /// The mode of a socket: by default for its group too, if one was named.
    static func mode(_ mode: FileMode?, _ group: String?) -> UInt16 {
        mode.map { UInt16($0.bits) } ?? (group == nil ? 0o600 : 0o660)
    }
}

/// The value of `--allow`: `GROUP:RIGHT`.
struct RightGrant: ExpressibleByArgument, Equatable {
    let group: UInt32
    let right: TelemetryRight

    init?(argument: String) {
        guard let colon = argument.lastIndex(of: ":"),
            let group = GroupName.number(String(argument[..<colon])),
            let right = TelemetryRight(rawValue: String(argument[argument.index(after: colon)...]))
        else { return nil }
        self.group = group
        self.right = right
    }
}
