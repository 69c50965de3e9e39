import Glibc
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

/// `--trust-user`, of every command that reads sources.
@Suite struct TrustTests {
    private let scope: Scope

    init() throws { scope = try Scope() }

    @Test(.enabled(if: geteuid() == 0, "\(OtherUsersServer.needsSuperuser)"))
    func aProcessOfAnotherUserIsQueriedOnlyIfTheUserIsTrusted() throws {
        let other = try OtherUsersServer(in: scope.directory)
        let advice = "add --trust-user \(OtherUsersServer.user)"
        expect(try scope.run("query", other.path, "/constant"), exits: 1, saying: advice)
        for command in ["list", "info", "stats", "vchans", "errors", "top"] {
            expect(try scope.run(command, "--socket", other.path), exits: 1, saying: advice)
        }
        for user in ["\(OtherUsersServer.user)", "any"] {
            let result = try scope.run("query", other.path, "/constant", "--trust-user", "root", "--trust-user", user)
            #expect(result.exit == .exited(0) && result.output == "{\"/constant\":1}\n", "\(result)")
        }
        let list = try scope.run("list", "--socket", other.path, "--trust-user", "any")
        expect(list, exits: 4, saying: "the target does not report DMA devices")
    }

    @Test(.enabled(if: geteuid() == 0, "\(OtherUsersServer.needsSuperuser)"))
    func aCheckOfAnUntrustedSourceIsUnknown() throws {
        let other = try OtherUsersServer(in: scope.directory)
        let check = try scope.run("check", "--socket", other.path)
        #expect(check.exit == .exited(3), "\(check)")
        #expect(
            check.output.hasPrefix(
                "DMADEV UNKNOWN - \(other.runDirectory.applications)/other of user \(OtherUsersServer.user) is not trusted"
            ))
        let trusted = try scope.run("check", "--socket", other.path, "--trust-user", "\(OtherUsersServer.user)")
        #expect(trusted.exit == .exited(0), "\(trusted)")
    }

    @Test(.enabled(if: geteuid() == 0, "\(OtherUsersServer.needsSuperuser)"))
    func theServicesPageNamesUntrustedSources() throws {
        let other = try OtherUsersServer(in: scope.directory)
        let server = try scope.serve("--listen", "unix:\(scope.httpPath)", "--socket", other.path)
        defer { server.kill(SIGTERM) }
        let text = try scope.curl("http://localhost/metrics")
        #expect(text.contains("reason=\"untrusted\"") && text.contains("source_uid=\"\(OtherUsersServer.user)\""))
        #expect(text.contains("dmascope_sources{state=\"untrusted\"} 1"))
        #expect(try scope.curl("http://localhost/snapshot.json").contains("\"untrusted_uid\":\(OtherUsersServer.user)"))
    }

    /// Runs dmascope as a user who may read nothing of the superuser.
    private func runAsOther(_ arguments: String...) throws -> ProgramResult { try runAsOther(arguments) }

    private func runAsOther(_ arguments: [String]) throws -> ProgramResult {
        let user = "\(OtherUsersServer.user)"
        return try runProgram(
            requiredTool("setpriv", package: "util-linux"),
            ["--reuid", user, "--regid", user, "--clear-groups", scope.program] + arguments,
            environment: scope.environment)
    }

    @Test(.enabled(if: geteuid() == 0, "\(OtherUsersServer.needsSuperuser)"))
    func whatMayNotBeReadIsSaidToBeSo() throws {
        let server = try scope.serve("--file-prefix", "app")
        defer { server.kill(SIGTERM) }
        let applications = scope.runDirectory + "/dpdk"
        let advice = "it belongs to user 0 (root); run this command as that user or as the superuser"
        chmod(scope.directory.path, 0o711)
        chmod(applications, 0o755)
        // The directory of the prefix is private.
        expect(try runAsOther("list", "--file-prefix", "app"), exits: 1, saying: advice)
        expect(try runAsOther("top", "--socket", scope.socket("app")), exits: 1, saying: advice)
        for source in [[], ["--source", "app"]] {
            let check = try runAsOther(["check"] + source)
            #expect(check.exit == .exited(3), "\(check)")
            #expect(
                check.output.hasPrefix(
                    "DMADEV UNKNOWN - \(applications)/app cannot be read: it belongs to user 0 (root); run the check as"
                ),
                "\(check)")
        }
        // Only the socket is.
        chmod(applications + "/app", 0o755)
        expect(try runAsOther("list", "--file-prefix", "app"), exits: 1, saying: advice)
        let check = try runAsOther("check", "--source", "app")
        #expect(check.exit == .exited(3) && check.output.hasPrefix("DMADEV UNKNOWN - \(applications)/app "), "\(check)")
        // The run directory is: any prefix may be in it.
        chmod(applications, 0o700)
        let closed = try runAsOther("check", "--source", "app")
        #expect(closed.exit == .exited(3), "\(closed)")
        #expect(closed.output.hasPrefix("DMADEV UNKNOWN - \(applications) cannot be read: "), "\(closed)")
        expect(try runAsOther("list", "--file-prefix", "app"), exits: 1, saying: advice)
        let metrics = try runAsOther("metrics")
        #expect(metrics.output.contains("reason=\"unreadable\""), "\(metrics)")
    }

    @Test func theSocketOfAnEndedProcessIsSaidToBeOne() throws {
        let server = try scope.serve("--file-prefix", "app")
        server.kill(SIGKILL)
        _ = try server.wait()
        let result = try scope.run("list", "--file-prefix", "app")
        expect(result, exits: 3, saying: "the process of this socket has ended without removing it")
        #expect(!result.errors.contains("dmascope serve"))
    }

    @Test(arguments: [["list"], ["query", "dmascope"], ["metrics", "--once"], ["serve"]])
    func anUnknownUserIsAUsageError(command: [String]) throws {
        for user in ["no such user", "-1", "4294967295"] {
            expect(
                try scope.run(command + ["--trust-user=\(user)"]), exits: 64, saying: "there is no user \(user)")
        }
    }

    @Test func anUnknownUserIsUnknownToAMonitor() throws {
        let result = try scope.run("check", "--trust-user=nobody else")
        #expect(result.exit == .exited(3) && result.output.contains("there is no user nobody else"), "\(result)")
    }
}
