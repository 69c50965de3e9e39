import Foundation
import Glibc
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

/// `dmascope doctor`, in broken situations that are real.
@Suite struct DoctorTests {
    private let scope: Scope

    init() throws { scope = try Scope() }

    /// The findings of a check, and the exit status. A port that no test has.
    private func findings(
        of check: String, _ arguments: [String] = [], inside launcher: [String] = []
    ) throws -> (rows: [JSONTree], exit: ProgramResult.Exit) {
        let command =
            launcher + [scope.program, "doctor", "--json"] + (arguments.isEmpty ? ["--listen", "off"] : arguments)
        let result = try runProgram("/usr/bin/env", command, environment: scope.environment)
        #expect(result.errors.isEmpty, "\(result)")
        let rows = try JSONValue(parsing: result.output).tree.elements
        return (rows.filter { $0["check"]?.string == check }, result.exit)
    }

    /// A shell in a mount namespace of its own, which first runs a script.
    private func namespace(_ script: String) -> [String] {
        ["unshare", "-m", "sh", "-c", "\(script) && exec \"$0\" \"$@\""]
    }

    private func state(_ rows: [JSONTree], _ text: String) -> String? {
        rows.first { $0["seen"]?.string?.contains(text) == true }?["state"]?.string
    }

    @Test func everyCheckHasAFindingAndAllThatIsNotFineHasAdvice() throws {
        let rows = try JSONValue(parsing: scope.run("doctor", "--json", "--listen", "127.0.0.1:0").output).tree.elements
        for check in DoctorCheckNames.all {
            #expect(rows.contains { $0["check"]?.string == check }, "\(check)")
        }
        for row in rows where ["warning", "problem"].contains(row["state"]?.string) {
            #expect(row["advice"]?.string?.isEmpty == false, "\(row)")
        }
        let text = try scope.run("doctor", "--listen", "off").output
        for check in DoctorCheckNames.all {
            #expect(text.contains("  \(check)  ") || text.contains("  \(check) "), "\(check)")
        }
    }

    @Test func socketsAreAliveDeadOrHung() throws {
        let well = try scope.serve("--file-prefix", "well")
        defer { well.kill(SIGTERM) }
        let dead = try scope.serve("--file-prefix", "dead")
        dead.kill(SIGKILL)
        _ = try dead.wait()
        let first = try findings(of: "sockets")
        #expect(state(first.rows, "/well/") == "ok" && state(first.rows, "/dead/") == "warning", "\(first)")
        #expect(state(first.rows, "dmascope/well.control: a controller listens") == "ok", "\(first)")
        #expect(state(first.rows, "dmascope/dead.control: dead") == "warning", "\(first)")
        #expect(first.exit == .exited(0))
        well.kill(SIGSTOP)
        let second = try findings(of: "sockets")
        well.kill(SIGCONT)
        #expect(state(second.rows, "/well/") == "problem" && second.exit == .exited(1), "\(second)")
    }

    @Test(.enabled(if: geteuid() == 0, "\(OtherUsersServer.needsSuperuser)"))
    func whatAUserCannotLookAtIsUnknown() throws {
        let server = try scope.serve("--file-prefix", "app")
        defer { server.kill(SIGTERM) }
        chmod(scope.directory.path, 0o711)
        chmod(scope.runDirectory, 0o755)
        chmod(scope.runDirectory + "/dpdk", 0)
        let user = "\(OtherUsersServer.user)"
        let other = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"]
        let sockets = try findings(of: "sockets", inside: other)
        #expect(state(sockets.rows, "cannot read the directory \(scope.runDirectory)/dpdk") == "unknown", "\(sockets)")
        let directories = try findings(of: "run directories", inside: other)
        #expect(state(directories.rows, "\(scope.runDirectory)/dpdk") == "unknown", "\(directories)")
    }

    @Test func aRunDirectoryThatServersRefuseIsAProblem() throws {
        let missing = try findings(of: "run directories", inside: ["RUNTIME_DIRECTORY=/nonexistent"])
        #expect(state(missing.rows, "/nonexistent") == "problem" && missing.exit == .exited(1), "\(missing)")
        mkdir(scope.runDirectory + "/dpdk", 0o700)
        chmod(scope.runDirectory + "/dpdk", 0o777)
        let open = try findings(of: "run directories")
        #expect(
            state(open.rows, "can be written by group or others") == "problem" && open.exit == .exited(1), "\(open)")
        expect(try scope.run("serve", "--listen", "off"), exits: 1, saying: "must not have write permission")
    }

    @Test(.enabled(if: geteuid() == 0, "only the superuser has a mount namespace of its own"))
    func aSmallSharedMemoryIsAProblem() throws {
        let small = try findings(of: "/dev/shm", inside: namespace("mount -t tmpfs -o size=1M tmpfs /dev/shm"))
        #expect(small.rows.first?["state"]?.string == "problem" && small.exit == .exited(1), "\(small)")
        let large = try findings(of: "/dev/shm", inside: namespace("mount -t tmpfs -o size=64G tmpfs /dev/shm"))
        #expect(large.rows.first?["state"]?.string == "ok", "\(large)")
    }

    @Test(.enabled(if: geteuid() == 0, "only the superuser has a mount namespace of its own"))
    func aMissingSessionDaemonIsAWarning() throws {
        let none = try findings(of: "LTTng", inside: namespace("mount -t tmpfs tmpfs /run"))
        #expect(state(none.rows, "no session daemon runs") == "warning", "\(none)")
        // A number of a process that has ended is none of a daemon.
        let script = "mount -t tmpfs tmpfs /run && mkdir /run/lttng && (sh -c 'echo $$' >/run/lttng/lttng-sessiond.pid)"
        #expect(try state(findings(of: "LTTng", inside: namespace(script)).rows, "no session daemon runs") == "warning")
        let alive = "mount -t tmpfs tmpfs /run && mkdir /run/lttng && echo $$ >/run/lttng/lttng-sessiond.pid"
        #expect(try state(findings(of: "LTTng", inside: namespace(alive)).rows, "a session daemon runs") == "ok")
    }

    @Test func lowLimitsAreSaid() throws {
        let low = try findings(of: "limits", inside: ["prlimit", "--nofile=32:32"])
        #expect(state(low.rows, "32 open files") == "problem" && low.exit == .exited(1), "\(low)")
        let some = try findings(of: "limits", inside: ["prlimit", "--nofile=256:1024"])
        #expect(state(some.rows, "256 open files, raised up to 1024") == "warning", "\(some)")
    }

    @Test func anAddressInUseIsSaid() throws {
        let server = try RunningProgram(
            scope.program, ["serve", "--listen", "127.0.0.1:0", "--no-controller"], environment: scope.environment)
        defer { server.kill(SIGTERM) }
        let greeting = try server.waitForOutput(containing: "Ctrl-C ends it.")
        let address = try #require(greeting.firstMatch(of: #/http:\/\/(127\.0\.0\.1:[0-9]+)\//#)?.1)
        let used = try findings(of: "HTTP address", ["--listen", String(address)])
        #expect(used.rows.first?["state"]?.string == "warning", "\(used)")
        let foreign = try findings(of: "HTTP address", ["--listen", "192.0.2.1:80"])
        #expect(foreign.rows.first?["state"]?.string == "problem" && foreign.exit == .exited(1), "\(foreign)")
        let free = try findings(of: "HTTP address", ["--listen", "unix:\(scope.httpPath)"])
        #expect(free.rows.first?["state"]?.string == "ok", "\(free)")
        expect(try scope.run("doctor", "--listen", "nonsense"), exits: 64, saying: "--listen takes")
    }
}

/// As the help has them.
private enum DoctorCheckNames {
    static let all = [
        "versions", "run directories", "sockets", "rights", "trace object", "LTTng", "/dev/shm", "huge pages",
        "userfaultfd", "HTTP address", "limits",
    ]
}
