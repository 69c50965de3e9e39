import Glibc
import TelemetryTestSupport
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
        #expect(check.output.hasPrefix("DMADEV UNKNOWN - other of user \(OtherUsersServer.user) is not trusted"))
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

    @Test(arguments: [["list"], ["query", "dmascope"], ["check"], ["metrics", "--once"], ["serve"]])
    func anUnknownUserIsAUsageError(command: [String]) throws {
        for user in ["no such user", "-1", "4294967295"] {
            expect(
                try scope.run(command + ["--trust-user=\(user)"]), exits: 64, saying: "there is no user \(user)")
        }
    }
}
