import Foundation
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

/// What other users may do with the sockets of `serve`. Processes of real other users connect.
@Suite(.enabled(if: geteuid() == 0, "\(OtherUsersServer.needsSuperuser)")) struct RightsTests {
    /// Groups without names.
    private static let readers = "23451", resetters = "23452", controllers = "23453", members = "23450"

    private let scope: Scope

    init() throws {
        scope = try Scope()
        chmod(scope.directory.path, 0o711)
        chmod(scope.runDirectory, 0o711)
    }

    /// Runs a query as a user without a name and with these groups, the first of which is its primary one.
    private func query(_ groups: [String], _ commands: String...) throws -> ProgramResult {
        let user = "\(OtherUsersServer.user)"
        let rest = groups.dropFirst().joined(separator: ",")
        return try runProgram(
            requiredTool("setpriv", package: "util-linux"),
            ["--reuid", user, "--regid", groups[0]] + (rest.isEmpty ? ["--clear-groups"] : ["--groups", rest])
                + [scope.program, "query", scope.socket()] + commands, environment: scope.environment)
    }

    private func serve(_ arguments: String...) throws -> RunningProgram {
        let server = try RunningProgram(
            scope.program,
            [
                "serve", "--no-controller", "--listen", "off", "--device", "fault,name=dma0", "--telemetry-group",
                Self.members, "--allow", "\(Self.readers):read", "--allow", "\(Self.resetters):reset", "--allow",
                "\(Self.controllers):control",
            ] + arguments, environment: scope.environment)
        try server.waitForOutput(containing: "Ctrl-C ends it.")
        return server
    }

    private func mode(_ path: String) throws -> (mode: Int, group: Int) {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.posixPermissions] as? Int ?? 0, attributes[.groupOwnerAccountID] as? Int ?? 0)
    }

    @Test func eachRightIncludesTheOnesBeforeIt() throws {
        let server = try serve()
        defer { server.kill(SIGTERM) }
        let requests: [(request: String, groups: [String])] = [
            ("/dmadev/stats,0", [Self.readers, Self.resetters, Self.controllers]),
            ("/dmadev/stats_reset,0", [Self.resetters, Self.controllers]),
            ("/dmadev/fault,0,every=2:bus_error", [Self.controllers]),
        ]
        for (request, permitted) in requests {
            for group in [Self.readers, Self.resetters, Self.controllers] {
                // Once as the primary group, once as a supplementary one.
                for groups in [[group, Self.members], [Self.members, group]] {
                    let result = try query(groups, request)
                    if permitted.contains(group) {
                        #expect(result.exit == .exited(0), "\(groups) \(request): \(result)")
                    } else {
                        let path = request.prefix { $0 != "," }
                        expect(result, exits: 4, saying: "\(path) needs the right ")
                        let right = group == Self.readers ? "read" : "reset"
                        #expect(result.errors.contains("; user \(OtherUsersServer.user) has \(right)"), "\(result)")
                    }
                }
            }
        }
    }

    @Test func aUserWithoutARightIsDisconnectedAtOnce() throws {
        let server = try serve()
        // Of the group of the socket, and not of one with a right.
        expect(try query([Self.members], "/dmadev/list"), exits: 3, saying: "gives this user a right")
        // Not of the group of the socket.
        expect(try query([Self.readers], "/dmadev/list"), exits: 1, saying: "Permission denied")
        let statistics = try scope.run("query", "dmascope", "/telemetry/stats")
        #expect(statistics.output.contains("\"refusals\":1"), "\(statistics)")
        server.kill(SIGTERM)
        let log = try server.wait().errors
        #expect(log.contains("refused a telemetry client: its user has no right here"), "\(log)")
        #expect(log.contains("uid=\(OtherUsersServer.user)"), "\(log)")
    }

    @Test func everyUseOfARightIsLoggedAndCounted() throws {
        let server = try serve()
        for _ in 0..<3 {
            #expect(try query([Self.resetters, Self.members], "/dmadev/stats_reset,0").exit == .exited(0))
        }
        #expect(try query([Self.readers, Self.members], "/dmadev/stats_reset,0").exit == .exited(4))
        let client = try RawClient.greeted(scope.socket())
        #expect(client.ask("/dmadev/fault,0,delay=1ms")?.contains("delay=1ms") == true)
        let clients = try JSONValue(parsing: client.ask("/telemetry/clients") ?? "").tree["/telemetry/clients"]
        let row = try #require(clients?["clients"]?[0])
        #expect(row["right"]?.string == "control" && row["privileged_requests"]?.integer == 1)
        #expect(
            client.ask("/telemetry/stats")?.contains("\"privileged_requests\":{\"reset\":3,\"control\":1}") == true)
        let metrics = try scope.run("metrics").output
        #expect(metrics.contains("dmascope_telemetry_privileged_requests_total{"))
        #expect(metrics.contains("right=\"reset\"} 3\n") && metrics.contains("right=\"control\"} 1\n"), "\(metrics)")
        server.kill(SIGTERM)
        let log = try server.wait().errors.split(separator: "\n")
        for (message, user, command) in [
            ("a client used a right", OtherUsersServer.user, "/dmadev/stats_reset"),
            ("a client has no right to a command", OtherUsersServer.user, "/dmadev/stats_reset"),
            ("a client used a right", 0, "/dmadev/fault"),
        ] {
            let lines = log.filter {
                $0.contains(message) && $0.contains("uid=\(user) ") && $0.contains("command=\(command) ")
            }
            #expect(lines.count == 1, "\(message): \(log)")
        }
    }

    @Test func theGroupGetsTheDirectoriesToo() throws {
        mkdir(scope.runDirectory + "/dpdk", 0o700)
        let server = try serve()
        #expect(try mode(scope.socket()) == (0o660, 23450))
        for directory in ["/dpdk", "/dpdk/dmascope"] {
            #expect(try mode(scope.runDirectory + directory) == (0o750, 23450), "\(directory)")
        }
        // Another group cannot get what is this one's.
        let other = try scope.run("serve", "--listen", "off", "--no-controller", "--telemetry-group", "23499")
        expect(other, exits: 1, saying: "is open to group 23450, so it cannot be opened to group 23499 too")
        server.kill(SIGTERM)
        #expect(try server.wait().exit == .exited(0))
        #expect(try scope.leftovers == [])
    }

    @Test func theOtherSocketsHaveModesAndGroupsToo() throws {
        let server = try scope.serve(
            "--listen", "unix:\(scope.httpPath)", "--listen-group", "23450", "--controller-group", "23451",
            "--controller-mode", "600", "--telemetry-mode", "666")
        defer { server.kill(SIGTERM) }
        #expect(try mode(scope.httpPath) == (0o660, 23450))
        #expect(try mode(scope.runDirectory + "/dmascope/dmascope.control") == (0o600, 23451))
        #expect(try mode(scope.socket()).0 == 0o666 && mode(scope.runDirectory + "/dpdk").0 == 0o755)
        // Everyone can connect, and nobody has a right.
        expect(try query([Self.members], "/"), exits: 3, saying: "gives this user a right")
    }

    @Test func badValuesAreUsageErrors() throws {
        for arguments in [
            ["--allow", "23450"], ["--allow", "23450:write"], ["--allow", "no such group:read"], ["--allow", ":read"],
            ["--telemetry-group", "no such group"], ["--telemetry-mode", "9"], ["--listen-mode", "1777"],
            ["--listen-group", "-1"],
        ] {
            let result = try scope.run(["serve"] + arguments)
            #expect(result.exit == .exited(64), "\(arguments): \(result)")
        }
    }
}
