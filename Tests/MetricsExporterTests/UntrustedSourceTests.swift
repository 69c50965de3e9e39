import Glibc
import LinuxSystem
import MetricsExporter
import MetricsTestSupport
import OpenMetricsText
import SystemPackage
import TelemetryClient
import TelemetryServer
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

/// Sources of other users.
@Suite(.enabled(if: geteuid() == 0, "\(OtherUsersServer.needsSuperuser)"))
struct UntrustedSourceTests {
    private let directory: TemporaryDirectory
    private var configuration = MetricsCollector.Configuration()
    private static let user = "\(OtherUsersServer.user)"

    init() throws {
        directory = try TemporaryDirectory()
        configuration.directories = [directory.runDirectory]
        configuration.timeout = .seconds(60)
        configuration.sysfs = directory.file("sys")
        configuration.includesProcessMetrics = false
    }

    private func exposition(_ configuration: MetricsCollector.Configuration) throws -> Exposition {
        try Exposition(MetricsText.openMetrics.text(of: MetricsCollector(configuration).collect()))
    }

    @Test func theyAreListedWithTheirOwnerAndReadIfTrusted() throws {
        let own = try TelemetryServer.start(filePrefix: "app", commands: [], in: directory.runDirectory)
        defer { own.stop() }
        let other = try OtherUsersServer(in: directory, "app")
        var configuration = configuration
        configuration.directories.append(other.runDirectory)
        let refused = try exposition(configuration)
        let places = [directory.runDirectory, other.runDirectory].map(\.applications)
        #expect(refused.value("dmascope_scrape_success", ["prefix": "app", "run_directory": places[0]]) == 1)
        #expect(refused.value("dmascope_scrape_success", ["run_directory": places[1]]) == 0)
        #expect(
            refused.value("dmascope_scrape_failure_info", ["run_directory": places[1], "reason": "untrusted"]) == 1)
        #expect(refused.value("dmascope_source_info", ["source_uid": Self.user, "socket": other.path, "pid": ""]) == 1)
        #expect(refused["dmascope_sources"].map(\.value) == [1, 0, 1, 0, 0, 0])
        #expect(
            refused["dmascope_sources"].map { $0.labels["state"] } == [
                "answering", "failing", "untrusted", "not_permitted", "unreadable", "stale",
            ])
        #expect(refused["dmadev_telemetry_clients"].map { $0.labels["run_directory"] } == [places[0]])

        configuration.trust = TelemetryTrust(users: [OtherUsersServer.user])
        let trusted = try exposition(configuration)
        #expect(trusted["dmascope_scrape_success"].map(\.value) == [1, 1])
        // Two owners of the same prefix.
        #expect(trusted["dmadev_telemetry_clients"].map { $0.labels["run_directory"] } == places)
        #expect(trusted["dmascope_source_info"].map { $0.labels["source_uid"] } == ["0", Self.user])
        #expect(trusted["dmascope_sources"].map(\.value) == [2, 0, 0, 0, 0, 0])
    }

    /// A path without wildcards was chosen by the user: only who serves it counts.
    @Test func aDirectoryOfAnotherUserIsNotConnectedUnlessThePathIsNamed() throws {
        directory.makeRunDirectory("app")
        let path = directory.runDirectory.socketPath(filePrefix: "app")
        let listener = try SequencedPacketSocket.open(nonblocking: true)
        try SequencedPacketSocket.bind(listener, to: path, mode: [.ownerReadWrite])
        try SequencedPacketSocket.listen(listener)
        chown(directory.runDirectory.directory(filePrefix: "app"), OtherUsersServer.user, OtherUsersServer.user)
        func hasClient() -> Bool {
            (try? SequencedPacketSocket.accept(listener, nonblocking: true)) != nil
        }
        var configuration = configuration
        configuration.timeout = .milliseconds(1)
        let found = try exposition(configuration)
        #expect(found.value("dmascope_scrape_failure_info", ["prefix": "app", "reason": "untrusted"]) == 1)
        #expect(!hasClient())
        configuration.directories = []
        configuration.sockets = [path.replacing("app", with: "a*")]
        #expect(try exposition(configuration).value("dmascope_scrape_failure_info", ["reason": "untrusted"]) == 1)
        #expect(!hasClient())
        configuration.sockets = [path]
        #expect(try exposition(configuration).value("dmascope_scrape_failure_info", ["reason": "timedOut"]) == 1)
        #expect(hasClient())
    }

    @Test func aNamedPathOfAnotherUsersProcessIsUntrusted() throws {
        let other = try OtherUsersServer(in: directory)
        var configuration = configuration
        configuration.sockets = [other.path]
        let text = try exposition(configuration)
        #expect(text.value("dmascope_scrape_failure_info", ["prefix": "other", "reason": "untrusted"]) == 1)
        #expect(text.value("dmascope_source_info", ["source_uid": Self.user]) == 1)
    }

    /// Any user may make thousands.
    @Test func onlyTheFirstAreListed() throws {
        for number in 0..<103 {
            directory.makeRunDirectory("app\(number)")
            close(open(directory.runDirectory.socketPath(filePrefix: "app\(number)"), O_CREAT | O_RDWR, 0o600))
            chown(
                directory.runDirectory.directory(filePrefix: "app\(number)"), OtherUsersServer.user,
                OtherUsersServer.user)
        }
        let text = try exposition(configuration)
        #expect(text["dmascope_scrape_failure_info", ["reason": "untrusted"]].count == 100)
        #expect(text.value("dmascope_sources", ["state": "untrusted"]) == 103)
    }
}
