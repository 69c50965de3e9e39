import Glibc
import TelemetryServer
import TelemetryWire

/// A server in a process of its own: `TelemetryTestServer ROOT PREFIX [DESCRIPTORS|- [UID [READER]]]`.
///
/// Prints the socket's path, runs until its standard input ends. With a number it may have only so many descriptors. With
/// a user it is a process of that user, and another user may read it.
@main
struct TelemetryTestServer {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3 else { exit(2) }
        // What the test's own parents left open would count against the limit.
        for descriptor in 3..<1024 { close(CInt(descriptor)) }
        if arguments.count > 3, let count = UInt(arguments[3]) {
            var limit = rlimit(rlim_cur: count, rlim_max: count)
            guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { exit(3) }
        }
        if arguments.count > 4, let user = UInt32(arguments[4]) {
            guard setgroups(0, nil) == 0, setgid(user) == 0, setuid(user) == 0 else {
                exit(4)
            }
        }
        var access = TelemetryAccess()
        if arguments.count > 5, let user = UInt32(arguments[5]) { access.rights[.user(user)] = .read }
        let constant = TelemetryCommand(path: "/constant", help: "A constant.", generation: { 0 }) { _ in JSONValue(1) }
        do throws(TelemetryServerError) {
            let server = try TelemetryServer.start(
                filePrefix: arguments[2], commands: [constant], in: TelemetryRunDirectory(root: arguments[1]),
                access: access)
            print(server.path)
            fflush(nil)
            var byte: UInt8 = 0
            while read(0, &byte, 1) > 0 {}
            server.stop()
        } catch {
            print("error: \(error)")
            exit(1)
        }
    }
}
