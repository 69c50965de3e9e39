import Glibc

/// One user against another at a controller: `tenant-attack attack PATH USER` says `attacking` when all of it works, and
/// goes on until it is killed; `tenant-attack measure PATH TELEMETRY SECONDS` prints what a client beside it gets.
@main
struct TenantAttack {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 4 else { exit(2) }
        switch arguments[1] {
        case "attack":
            // The group stays, and the directory is entered before: together they give access to the socket.
            guard let user = UInt32(arguments[3]), let name = arguments[2].split(separator: "/").last,
                chdir(String(arguments[2].dropLast(name.count))) == 0, setgroups(0, nil) == 0, setuid(user) == 0
            else { exit(2) }
            try Attack(String(name)).run()
        case "measure":
            guard arguments.count == 5, let seconds = Int(arguments[4]) else { exit(2) }
            try Measurement(arguments[2], telemetry: arguments[3], seconds: seconds).run()
        default: exit(2)
        }
    }
}

func say(_ text: String) {
    print(text)
    fflush(nil)
}
